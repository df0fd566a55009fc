import { toolParameter } from '../../../domain/tracking/promoTool.js';

/**
 * By which tool did a click come, in SQL: the tool's link says so in its query (LNK-17). Read when it is shown and not stored with the click,
 * because the redirect should write no more than it must. `query` is a column of ours.
 */
export function toolIdIn(query: string): string {
  return `(regexp_match(${query}, '(^|&)${toolParameter}=(tool_[0-9a-hjkmnp-tv-z]{26})'))[2]`;
}

/** What the address of a click said of its source, in SQL (`qr` where a code was followed, BEY-19). `query` is a column of ours. */
export function sourceIn(query: string): string {
  return `(regexp_match(${query}, '(^|&)src=([A-Za-z0-9_-]{1,40})(&|$)'))[2]`;
}
