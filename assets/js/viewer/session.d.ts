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

/** A map over the image, or none. */
export type MapName = "none" | maps.Name;

/** One view, two linked ones, a swipe between two, planes, surfaces in space. */
export type Mode = "one" | "linked" | "swipe" | "planes" | "space";

/** What stands beside the main view: the reference's outline, no overlay, or a channel. */
export type Second = "reference" | "bare" | number;

/** What lies over the image. */
export interface Show {
  readonly ai: boolean;
  readonly reference: boolean;
  readonly correction: boolean;
  /** Nothing of it, for as long as it is set. */
  readonly hidden: boolean;
  readonly fill: boolean;
  readonly diameters: boolean;
  /** Of the fill, 0 to 1. */
  readonly opacity: number;
  readonly map: MapName;
  readonly mapOpacity: number;
}

/**
 * Every field has one owner, the only module that writes it (`Owned`); all others read it, and call
 * the owner to have it changed.
 */
export interface Session {
  /** The study; its result comes when it is analysed. Owner: viewer, when it opens */
  readonly study: Study;
  /** Position of the slice in view, from 0. Owner: viewer */
  readonly k: number;
  /** The channel in view. Owner: viewer */
  readonly channel: number;
  /** By channel. Owner: viewer */
  readonly windows: readonly Levels[];
  /** Whether black is white. Owner: viewer */
  readonly invert: boolean;
  /** What lies over the image. Owner: viewer */
  readonly show: Show;
  /** What a drag on the image does (tools.js). Owner: viewer */
  readonly tool: string;
  /** Owner: panes */
  readonly mode: Mode;
  /** What stands beside the main view in some modes. Owner: panes */
  readonly second: Second;
  /** The reader's mask threshold (threshold.js), null for the shipped one. Owner: viewer */
  readonly threshold: number | null;
  /** The reader's operating point (calls.js), null for the shipped one. Owner: viewer */
  readonly calls: number | null;
  /** Null until they are there. Owner: viewer */
  readonly measures: Measures | null;
  /** Pixels of the reference by slice, null where they are not known. Owner: viewer */
  readonly referenceAreas: readonly (number | null)[];
  /** While a drag goes on. Owner: viewer */
  readonly dragging: boolean;
  /** Zoom and middle, which all screens share and change. Owner: viewer, when it opens */
  readonly view: View;
  /** Slices and maps that are here or on their way. Owner: viewer, when it opens */
  readonly loader: Loader;
  /** The panes in which the slice is drawn, the main one first. Owner: panes */
  readonly panes: readonly Pane[];
  /** That of the main pane; null until its figure is there. Owner: panes */
  readonly screen: Screen | null;
  /** Screen pixels per image pixel, null until there is a screen. Owner: drawing */
  readonly scale: number | null;
  /** Address of the picture that is on the main screen. Owner: drawing */
  readonly painted: string | null;
}

/** Fields of a session as their owner writes them. */
export type Owned<Field extends keyof Session> = { -readonly [Name in Field]: Session[Name] };
