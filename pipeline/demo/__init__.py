"""Demo studies: synthetic brain MRI with known lesions, for machines that hold no data.

`make_demo_studies` writes them. The anatomy is the MNI152 template's, varied per patient, with a
skull and scalp drawn around it; the lesions are synthetic and fixed in `plans`. Everything says
SYNTHETIC, in the tags and in the pixels.
"""

from pipeline.demo.plans import DEMO_STUDIES, DEMO_VERSION, LesionPlan, Side, StudyPlan
from pipeline.demo.studies import MANIFEST_NAME, make_demo_studies

__all__ = [
    "DEMO_STUDIES",
    "DEMO_VERSION",
    "MANIFEST_NAME",
    "LesionPlan",
    "Side",
    "StudyPlan",
    "make_demo_studies",
]
