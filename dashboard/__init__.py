"""The dashboard: a Dash app in which a radiologist reviews brain MRI with an AI second reader."""
