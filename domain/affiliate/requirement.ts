import type { DocumentNeed } from './document.js';

/** Something that still stands between an affiliate and its approval, or an enrolment and being active. */
export interface OpenRequirement {
  readonly code: string;
  readonly detail: string;
  /** Of `documents`: which one, and how it stands (AFF-24). */
  readonly document?: DocumentNeed;
}
