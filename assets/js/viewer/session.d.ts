/** The study in view and how it is looked at. */

import type * as maps from "./maps.js";
import type { Loader } from "./pixels.js";
import type { Pane } from "./panes.js";
import type { Screen, View } from "./screen.js";
import type { Measures, Study } from "./study.js";

/** From lowest (black) to highest (white) value. */
export interface Levels {
  readonly low: number;
  readonly high: number;
}

/** The map overlay, or none. */
export type MapName = "none" | maps.Name;

/** A single view, two or three side by side, a swipe between two, MPR, 3D surfaces. */
export type Mode = "one" | "linked" | "three" | "swipe" | "planes" | "space";

/** Content of the second view: the reference outline, no overlays, or a channel. */
export type Second = "reference" | "bare" | number;

/** Which overlays are shown. */
export interface Show {
  readonly ai: boolean;
  readonly reference: boolean;
  readonly correction: boolean;
  /** Whether all of them are hidden for now. */
  readonly hidden: boolean;
  readonly fill: boolean;
  readonly diameters: boolean;
  /** Of the fill, 0 to 1. */
  readonly opacity: number;
  readonly map: MapName;
  readonly mapOpacity: number;
}

/**
 * Every field has one owner, the only module that writes it (`Owned`); other modules read it and
 * call the owner to change it.
 */
export interface Session {
  /** The study; its result is set after the analysis. Owner: viewer, when it opens */
  readonly study: Study;
  /** Position of the slice in view, from 0. Owner: viewer */
  readonly k: number;
  /** The channel in view. Owner: viewer */
  readonly channel: number;
  /** By channel. Owner: viewer */
  readonly windows: readonly Levels[];
  /** Whether the greyscale is inverted. Owner: viewer */
  readonly invert: boolean;
  /** Slices in the maximum intensity projection, an odd number; 1 for none. Owner: viewer */
  readonly slab: number;
  /** Owner: viewer */
  readonly show: Show;
  /** What a drag on the image does (tools.js). Owner: viewer */
  readonly tool: string;
  /** Owner: panes */
  readonly mode: Mode;
  /** Content of the second view in the modes that have one. Owner: panes */
  readonly second: Second;
  /** The mask threshold that the reader chose (threshold.js), null for the default. Owner: viewer */
  readonly threshold: number | null;
  /** The operating point that the reader chose, null for the default. Owner: viewer */
  readonly operatingPoint: number | null;
  /** Null until they are loaded. Owner: viewer */
  readonly measures: Measures | null;
  /** Pixels of the reference by slice, null where unknown. Owner: viewer */
  readonly referenceAreas: readonly (number | null)[];
  /** Whether a drag is in progress. Owner: viewer */
  readonly dragging: boolean;
  /** Zoom and centre, shared by all screens. Owner: viewer, when it opens */
  readonly view: View;
  /** Slices and maps, loaded or loading. Owner: viewer, when it opens */
  readonly loader: Loader;
  /** The panes in which the slice is drawn, the main one first. Owner: panes */
  readonly panes: readonly Pane[];
  /** The main pane's screen; null until it exists. Owner: panes */
  readonly screen: Screen | null;
  /** Screen pixels per image pixel, null until the screen exists. Owner: drawing */
  readonly scale: number | null;
  /** The picture on the main screen. Owner: drawing */
  readonly painted: string | null;
}

/** Fields of a session as their owner writes them. */
export type Owned<Field extends keyof Session> = { -readonly [Name in Field]: Session[Name] };
