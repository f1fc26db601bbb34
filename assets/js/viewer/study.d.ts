/**
 * A study as the server describes it (dashboard/studies/description.py), with its result and
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
  /** The channel that this one duplicates because its own sequence is missing. */
  same_as: number | null;
  /** Whether it is the first one shown. */
  start: boolean;
}

/** State and progress of an analysis. */
export interface Job {
  state: string;
  done: number;
  total: number;
  message: string;
}

/** Addresses contain {slice} and {channel}, or {axis} and {place}, to be filled in. */
export interface Study {
  readonly study_id: string;
  /** What it is called on screen. */
  readonly name: string;
  readonly case_id: string;
  readonly patient: string;
  readonly study_date: string;
  readonly description: string;
  readonly synthetic: boolean;
  readonly n: number;
  readonly height: number;
  readonly width: number;
  /** Slice numbers as in the files. */
  readonly indices: readonly number[];
  readonly spacing_mm: SpacingMm | null;
  /** Weight of each slice in volumes, 1 for the usual slice distance; null if all are 1. */
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
  /** Why the analysis gave no result; null as a rule. */
  readonly no_result: string | null;
  readonly job: Job | null;
  readonly entries: Entries;
}

/** Who entered or removed something, and when (ISO 8601). */
export interface Entry {
  by: string;
  at: string;
}

/** What readers entered for a study. */
export interface Entries {
  /** Sent with the next change. */
  readonly revision: number;
  /** What the study is called instead of its original name, or "". */
  readonly label: string;
  readonly original_name: string;
  readonly label_by: Entry | null;
  readonly spacing_by: Entry | null;
  readonly reference_by: Entry | null;
  readonly spacing_mm: SpacingMm | null;
  /** Whether the files state a spacing, so that none can be entered. */
  readonly spacing_stated: boolean;
  /** Null where no reference is attached. */
  readonly reference_files: readonly string[] | null;
  /** Whether it is a stack of pictures that can be divided. */
  readonly joined: boolean;
}

/** The result of both stages on one slice. */
export interface Slice {
  readonly slice_score: number;
  /** Whether it is above the default operating point. */
  readonly tumor: boolean;
  readonly classifier_score: number;
  /** Segmentation confidence; null where the slice was not segmented. */
  readonly outline_evidence: number | null;
  readonly decided_by: "gate" | "both" | "classifier" | "outline";
  readonly mask_area_px: number;
  readonly dice: number | null;
  readonly left_out_px: number;
  /** Why the outline is likely false; empty as a rule. */
  readonly doubts: readonly ("outside head" | "mirrored")[];
}

export interface Network {
  name: string;
  version: string;
  digest: string;
  engine: string;
  precision: string;
}

/** Volumes between which the reference's lies in 90% of held-out patients. */
export interface VolumeRange {
  low_ml: number;
  high_ml: number;
  patients: number;
  coverage: number;
}

/** The expected Dice of the segmentation, and the most similar held-out patients. */
export interface Trust {
  expected: number;
  low: number;
  high: number;
  sentence: string;
  /** Null without spacing. */
  volume: VolumeRange | null;
  similar: readonly SimilarPatient[];
}

export interface SimilarPatient {
  case_id: string;
  dice: number;
  href: string;
  /** Whether the address opens the case itself. */
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
  /** With {mask}, which threshold.address fills in; likewise the diameters. */
  readonly surface_url: string;
  readonly diameters_url: string;
  readonly slices: readonly Slice[];
  /** The default operating point. */
  readonly threshold: number;
  readonly mask_threshold: number;
  /** Of the network; null if it is no longer installed. */
  readonly network_mask_threshold: number | null;
  readonly volume_ml: number | null;
  readonly left_out_ml: number | null;
  /** Why the images are unlike the training data; null as a rule. */
  readonly unfit: string | null;
  readonly warnings: readonly string[];
  readonly network: Network;
  /** Channels that the network used. */
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
  /** [k, left, top, right, bottom], one for each slice. */
  boxes: readonly (readonly [number, number, number, number, number])[];
  longest: Chord;
  perpendicular: Chord;
  measurable: boolean | null;
  reason: string;
}

/** The lesions of a mask (dashboard/studies/measures.py). */
export interface Diameters {
  readonly unit: "mm" | "px";
  readonly notes: readonly string[];
  readonly lesions: readonly Lesion[];
}

/** Measurements of a result. */
export interface Measures extends Diameters {
  /** By slice, pixels at or above each of 256 levels; null where the slice was not segmented. */
  readonly areas: readonly (readonly number[] | null)[];
  /** Likewise, only pixels that are in the reference too. */
  readonly overlap: readonly (readonly number[] | null)[] | null;
  /** Pixels of the reference, by slice. */
  readonly reference_px: readonly number[] | null;
}
