/**
 * What the server says of a study (dashboard/studies/description.py), of its result and its
 * measures.
 */

/** Distances in mm: between slices, rows, columns. */
export type SpacingMm = readonly [number, number, number];

/** Letters of the patient's directions at the edges of the image. */
export interface Orientation {
  left: string;
  right: string;
  top: string;
  bottom: string;
}

export interface Channel {
  sequence: string;
  label: string;
  /** The channel that this one only repeats. */
  same_as: number | null;
  /** Whether the study opens with it. */
  start: boolean;
}

/** Where an analysis stands. */
export interface Job {
  state: string;
  done: number;
  total: number;
  message: string;
}

/** Addresses hold {slice} and {channel}, or {axis} and {place}. */
export interface Study {
  readonly study_id: string;
  readonly case_id: string;
  readonly patient: string;
  readonly study_date: string;
  readonly description: string;
  readonly synthetic: boolean;
  readonly n: number;
  readonly height: number;
  readonly width: number;
  /** The files' own numbers of the slices. */
  readonly indices: readonly number[];
  readonly spacing_mm: SpacingMm | null;
  /** For how many times the distance of slices each stands in volumes; null where all are alike. */
  readonly slice_weights: readonly number[] | null;
  readonly orientation: Orientation | null;
  readonly orientation_note: string;
  readonly positions_mm: readonly number[] | null;
  readonly channels: readonly Channel[];
  readonly pixel_type: "uint8" | "uint16";
  /** A value is stored x slope + intercept. */
  readonly slope: number;
  readonly intercept: number;
  /** Lowest and highest value shown, by channel. */
  readonly windows: readonly (readonly [number, number])[];
  readonly value_range?: readonly (readonly [number, number])[] | null;
  readonly warnings: readonly string[];
  readonly pixels_url: string;
  readonly reference_url: string | null;
  readonly thumbnail_url: string;
  readonly plane_url: string;
  readonly plane_reference_url: string | null;
  readonly space_url: string;
  readonly reference_area_px?: readonly number[];
  readonly result: Result | null;
  readonly job: Job | null;
}

/** The answer of both stages on one slice. */
export interface Slice {
  readonly slice_score: number;
  /** Whether it reaches the shipped operating point. */
  readonly tumor: boolean;
  readonly classifier_score: number;
  /** Null where the segmenter was not run. */
  readonly outline_evidence: number | null;
  readonly decided_by: "gate" | "both" | "classifier" | "outline";
  readonly mask_area_px: number;
  readonly dice: number | null;
  readonly left_out_px: number;
}

export interface Network {
  name: string;
  version: string;
  digest: string;
  engine: string;
  precision: string;
}

/** What the outline's Dice is expected to be, and the held-out patients like it. */
export interface Trust {
  expected: number;
  low: number;
  high: number;
  sentence: string;
  similar: readonly SimilarPatient[];
}

export interface SimilarPatient {
  case_id: string;
  dice: number;
  href: string;
  /** Whether the address is the case itself. */
  here: boolean;
}

export interface Result {
  readonly key: string;
  readonly probability_url: string;
  readonly uncertainty_url: string;
  readonly saliency_url: string;
  readonly left_out_url: string;
  readonly measures_url: string;
  readonly plane_probability_url: string;
  /** With {mask}, as threshold.address fills it in; likewise the diameters. */
  readonly surface_url: string;
  readonly diameters_url: string;
  readonly slices: readonly Slice[];
  /** The shipped operating point. */
  readonly threshold: number;
  readonly mask_threshold: number;
  /** Of the network; null where it is not installed any more. */
  readonly network_mask_threshold: number | null;
  readonly volume_ml: number | null;
  readonly warnings: readonly string[];
  readonly network: Network;
  /** Channels that the network saw. */
  readonly series: readonly number[];
  readonly trust: Trust | null;
  readonly learned: string | null;
}

/** A line in pixels with pixel centres at whole numbers; its length in the measures' unit. */
export interface Chord {
  x1: number;
  y1: number;
  x2: number;
  y2: number;
  length: number;
}

export interface Lesion {
  /** From 1, the largest first. */
  number: number;
  k: number;
  slices: number;
  /** [k, left, top, right, bottom], one of each slice. */
  boxes: readonly (readonly [number, number, number, number, number])[];
  longest: Chord;
  perpendicular: Chord;
  measurable: boolean | null;
  reason: string;
}

/** The lesions of a mask (dashboard/studies/measures.py). */
export interface Diameters {
  readonly unit: "mm" | "pixels";
  readonly notes: readonly string[];
  readonly lesions: readonly Lesion[];
}

/** What is measured on a result. */
export interface Measures extends Diameters {
  /** By slice, pixels at or above each of 256 levels; null where the segmenter was not run. */
  readonly areas: readonly (readonly number[] | null)[];
  /** Likewise, of those that the reference has too. */
  readonly overlap: readonly (readonly number[] | null)[] | null;
  /** The reference's pixels, by slice. */
  readonly reference_px: readonly number[] | null;
}
