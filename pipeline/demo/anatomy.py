"""One patient's head in template space: fractions of the brain's tissues, labels around it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from pipeline.demo.fields import FloatArray, smooth_noise, smoothstep
from pipeline.demo.template import VAULT_FLOOR_MM, Template

#: Exponent on the template's probabilities: an average of 152 brains is softer than one brain.
SHARPENING = 2.2
#: Deviation of the log-odds that open and close sulci differently in each patient.
FOLDING = 0.55


class HeadTissue(IntEnum):
    """What is outside the brain's hull."""

    AIR = 0
    BONE = 1
    MARROW = 2
    FAT = 3
    MUSCLE = 4
    SKIN = 5
    FLUID = 6
    MUCOSA = 7
    VEIN = 8


@dataclass(frozen=True, eq=False)
class Anatomy:
    """Tissues of one patient on the template's grid.

    Attributes:
        template: The grid and the distances.
        gm, wm, csf: ``(x, y, z)`` float32 fractions; 0 outside the brain's hull.
        head: ``(x, y, z)`` uint8 `HeadTissue` outside the hull.
        texture: ``(x, y, z)`` float32 relative variation of the signal, about 1.
        age: Years.
    """

    template: Template
    gm: FloatArray
    wm: FloatArray
    csf: FloatArray
    head: NDArray[np.uint8]
    texture: FloatArray
    age: int


def make_anatomy(template: Template, *, age: int, rng: np.random.Generator) -> Anatomy:
    """Vary the template's brain and draw a head around it."""
    gm, wm, csf = _vary_tissues(template, age=age, rng=rng)
    fine = smooth_noise(rng, template.shape, correlation=4.0 / template.voxel_mm)
    texture = (
        1.0
        + 0.025 * fine
        + 0.02 * smooth_noise(rng, template.shape, correlation=12.0 / template.voxel_mm)
    )
    return Anatomy(template, gm, wm, csf, _draw_head(template, rng), texture, age)


def _vary_tissues(
    template: Template, *, age: int, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Sharpen the probabilities and shift their log-odds by smooth noise."""
    folding = smooth_noise(rng, template.shape, correlation=7.0 / template.voxel_mm)
    cortex = smooth_noise(rng, template.shape, correlation=9.0 / template.voxel_mm)
    inside = template.hull_mm < 1.5
    atrophy = np.float32((age - 45) / 40.0)
    odds = [
        SHARPENING * np.log(tissue[inside] + 0.02)
        for tissue in (template.gm, template.wm, template.csf)
    ]
    odds[0] += 0.3 * FOLDING * cortex[inside]
    # Sulci lie under the hull; the deep fluid is the ventricles' and keeps its shape.
    shallow = smoothstep(template.hull_mm[inside], -30.0, -12.0)
    odds[2] += shallow * (0.55 + FOLDING * folding[inside] + 0.5 * atrophy)
    highest = np.maximum(np.maximum(odds[0], odds[1]), odds[2])
    weights = [np.exp(odd - highest) for odd in odds]
    total = weights[0] + weights[1] + weights[2]
    result = []
    for weight in weights:
        volume = np.zeros(template.shape, np.float32)
        volume[inside] = weight / total
        result.append(volume)
    return result[0], result[1], result[2]


def _draw_head(template: Template, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Label bone, marrow, scalp and the base of the skull by their distance from the brain."""
    head = np.full(template.shape, HeadTissue.AIR, np.uint8)
    near = (template.hull_mm >= 1.5) & (template.head_mm < 30.0)
    x, y, z = (np.broadcast_to(axis, template.shape)[near] for axis in template.axes_mm())
    depth, outer = template.hull_mm[near], template.head_mm[near]
    voxel = template.voxel_mm
    noise = [smooth_noise(rng, template.shape, correlation=mm / voxel)[near] for mm in (30, 7)]
    skull = 8.0 + 0.8 * noise[0] + 2.0 * smoothstep(y, 40, 75) - 1.5 * smoothstep(-z, 0, 40)
    lateral = smoothstep(np.abs(x), 38, 60) * smoothstep(np.abs(y - 12), 48, 22)
    muscle = 5.5 * lateral * smoothstep(z, 42, 5)
    fat = 3.3 - 0.5 * noise[0] + 2.0 * smoothstep(-y, 40, 100)
    surface = skull + muscle + fat
    labels = np.full(depth.shape, HeadTissue.AIR, np.uint8)
    labels[outer < surface + 1.6] = HeadTissue.SKIN
    labels[outer < surface] = HeadTissue.FAT
    labels[outer < skull + muscle] = HeadTissue.MUSCLE
    in_skull = outer < skull
    labels[in_skull] = HeadTissue.BONE
    diploe = in_skull & (depth > 3.2) & (outer < skull - 2.2) & (noise[1] > -0.9)
    labels[diploe & (z > VAULT_FLOOR_MM)] = HeadTissue.MARROW
    labels[depth < 2.6 + 0.5 * noise[1]] = HeadTissue.FLUID
    below = in_skull & (z <= VAULT_FLOOR_MM) & (depth > 5.0)
    bend = 4.0 * noise[0][below] + 2.0 * noise[1][below]
    labels[below] = _skull_base(x[below] + bend, y[below] + bend, z[below] + bend, noise[1][below])
    _draw_sinuses(labels, x, y, z, depth)
    head[near] = labels
    return head


def _draw_sinuses(
    labels: NDArray[np.uint8], x: FloatArray, y: FloatArray, z: FloatArray, depth: FloatArray
) -> None:
    """Superior sagittal sinus under the vault; frontal sinus (air) in the forehead's bone."""
    midline = (np.abs(x) < 4.5 - 0.6 * depth) & (depth < 5.0) & ((z > 30) | (y < -60)) & (z > -10)
    labels[midline] = HeadTissue.VEIN
    width = 20.0 * np.sqrt(np.clip(1.0 - ((z + 22.0) / 22.0) ** 2, 0, 1))
    frontal = (np.abs(x) < width) & (np.abs(x) > 1.0) & (y > 55) & (depth > 3.5)
    labels[frontal & (labels == HeadTissue.MARROW)] = HeadTissue.AIR


def _skull_base(
    x: FloatArray, y: FloatArray, z: FloatArray, noise: FloatArray
) -> NDArray[np.uint8]:
    """Bone, air cells, orbits, nose and neck between the brain and the skin, below the vault."""
    labels = np.full(x.shape, HeadTissue.BONE, np.uint8)
    labels[noise > 0.7] = HeadTissue.MARROW
    labels[(noise < -0.8) & (np.abs(x) > 35) & (y < 0)] = HeadTissue.AIR  # mastoid cells
    clivus = (np.abs(x) < 13) & (y > -28) & (y < 6) & (noise > -0.6)
    labels[clivus] = HeadTissue.MARROW
    neck = (y < -55) & (z < -40)
    labels[neck] = np.where(noise[neck] > 1.3, HeadTissue.FAT, HeadTissue.MUSCLE)
    face = y > 8
    labels[face] = np.where(noise[face] > 1.2, HeadTissue.FAT, HeadTissue.MUSCLE)
    nose = face & (np.abs(x) < 15 - 0.1 * np.abs(y - 45))
    stripes = np.sin(np.abs(x[nose]) * 0.9 + 1.5 * noise[nose])
    labels[nose] = np.where(stripes > -0.2, HeadTissue.AIR, HeadTissue.MUCOSA)
    for side in (-1.0, 1.0):
        orbit = np.sqrt((x - side * 33) ** 2 + (0.7 * (y - 48)) ** 2 + (z + 36) ** 2)
        labels[face & (orbit < 19)] = HeadTissue.FAT
        globe = np.sqrt((x - side * 33) ** 2 + (y - 60) ** 2 + (z + 36) ** 2)
        labels[face & (globe < 13.5)] = HeadTissue.MUSCLE
        labels[face & (globe < 12)] = HeadTissue.FLUID
        nerve = face & (globe >= 13.5) & (np.abs(x - side * (33 - 0.35 * (60 - y))) < 2.5)
        labels[nerve & (np.abs(z + 36) < 3) & (y < 60) & (orbit < 22)] = HeadTissue.MUSCLE
    return labels
