"""How bright each tissue is in each sequence; white matter is 1.

The relations follow the public LGG slices (medians over the patients that were looked at): on FLAIR
a lesion 1.2 to 2.3 times the brain's median, scalp fat about 2.5 to 3, fluid under 0.25; on T1 a
lesion 0.6 to 1.0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.data.case import SequenceName
from pipeline.demo.anatomy import Anatomy, HeadTissue
from pipeline.demo.fields import FloatArray, smoothstep
from pipeline.demo.lesions import Lesion


@dataclass(frozen=True)
class Contrast:
    """Signal of each tissue as a multiple of white matter's.

    Attributes:
        gm, wm, csf, deep_gm: The brain; ``deep_gm`` is basal ganglia and thalamus.
        head: Signal of each `HeadTissue`.
        lesion, core, rim: The lesion, its centre and the shell around that where it enhances;
            None where the lesion's own plan says (FLAIR).
        caps: Extra signal along the ventricles.
        vessels: Extra signal of vessels in the sulci.
    """

    gm: float
    wm: float
    csf: float
    deep_gm: float
    head: dict[HeadTissue, float]
    lesion: float | None
    core: float | None
    rim: float
    caps: float
    vessels: float


def _head(
    *, fat: float, marrow: float, muscle: float, fluid: float, mucosa: float, vein: float
) -> dict[HeadTissue, float]:
    return {
        HeadTissue.AIR: 0.0,
        HeadTissue.BONE: 0.12,
        HeadTissue.MARROW: marrow,
        HeadTissue.FAT: fat,
        HeadTissue.MUSCLE: muscle,
        HeadTissue.SKIN: 0.5 * fat,
        HeadTissue.FLUID: fluid,
        HeadTissue.MUCOSA: mucosa,
        HeadTissue.VEIN: vein,
    }


CONTRASTS: dict[SequenceName, Contrast] = {
    SequenceName.FLAIR: Contrast(
        gm=1.30,
        wm=1.0,
        csf=0.14,
        deep_gm=1.16,
        head=_head(fat=2.5, marrow=0.85, muscle=0.6, fluid=0.22, mucosa=1.6, vein=0.2),
        lesion=None,
        core=None,
        rim=0.0,
        caps=0.35,
        vessels=0.0,
    ),
    SequenceName.PRE: Contrast(
        gm=0.80,
        wm=1.0,
        csf=0.34,
        deep_gm=0.88,
        head=_head(fat=1.9, marrow=1.2, muscle=0.7, fluid=0.36, mucosa=0.7, vein=0.35),
        lesion=0.64,
        core=0.48,
        rim=0.0,
        caps=0.0,
        vessels=0.0,
    ),
    SequenceName.POST: Contrast(
        gm=0.84,
        wm=1.0,
        csf=0.35,
        deep_gm=0.90,
        head=_head(fat=1.85, marrow=1.25, muscle=0.85, fluid=0.45, mucosa=1.7, vein=2.0),
        lesion=0.66,
        core=0.50,
        rim=1.15,
        caps=0.0,
        vessels=1.3,
    ),
}


def render(anatomy: Anatomy, lesion: Lesion | None, sequence: SequenceName) -> FloatArray:
    """Signal of the head on the template's grid, ``(x, y, z)`` float32, white matter 1."""
    contrast = CONTRASTS[sequence]
    template = anatomy.template
    table = np.array([contrast.head[tissue] for tissue in HeadTissue], np.float32)
    signal = table[anatomy.head]
    signal *= 1.0 + np.float32(2.0) * (anatomy.texture - 1.0)
    inside = template.hull_mm < 1.5
    gm, wm, csf = anatomy.gm[inside], anatomy.wm[inside], anatomy.csf[inside]
    deep = template.deep_grey[inside]
    grey = contrast.gm + (contrast.deep_gm - contrast.gm) * deep
    beside = np.exp(-np.clip(template.ventricle_mm[inside], 0, 30) / np.float32(2.0))
    caps = np.float32(contrast.caps * anatomy.age / 60.0) * beside
    texture = anatomy.texture[inside]
    brain = (gm * grey + wm * (contrast.wm + caps)) * texture
    fluid = csf * contrast.csf
    if contrast.vessels > 0:
        bright = smoothstep(texture, 1.055, 1.075) * smoothstep(csf, 0.25, 0.6)
        fluid = fluid + contrast.vessels * bright * smoothstep(template.hull_mm[inside], -60, -3)
    if lesion is not None:
        brain, fluid = _mix_lesion(
            brain, fluid, lesion, contrast, inside=inside, tissue=gm + wm, texture=texture
        )
    signal[inside] = brain + fluid
    return signal


def _mix_lesion(
    brain: FloatArray,
    fluid: FloatArray,
    lesion: Lesion,
    contrast: Contrast,
    *,
    inside: NDArray[np.bool_],
    tissue: FloatArray,
    texture: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Replace tissue by lesion where there is lesion, and efface the sulci within it."""
    share, core = lesion.share[inside], lesion.core[inside]
    plan = lesion.plan
    bulk = plan.flair if contrast.lesion is None else contrast.lesion
    centre = plan.core_flair if contrast.core is None else contrast.core
    signal = (bulk + (centre - bulk) * core) * (1.0 + 2.2 * (texture - 1.0))
    if plan.enhancing:
        signal = signal + contrast.rim * lesion.rim[inside]
    effaced = 1.0 - (1.0 - tissue) * (1.0 - 0.6 * share)
    mixed = brain * (1.0 - share) + effaced * signal * share
    return mixed.astype(np.float32), (fluid * (1.0 - 0.6 * share)).astype(np.float32)
