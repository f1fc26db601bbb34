"""Chaos: readers work while processes are killed and disks fill; an auditor then counts."""
