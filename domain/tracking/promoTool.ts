import type { MediaId, ProgramId, PromoToolId } from '../ids.js';
import type { Instant } from '../time.js';

export const promoToolKinds = ['link', 'banner', 'lightbox', 'email'] as const;
export type PromoToolKind = (typeof promoToolKinds)[number];

/** What affiliates promote with (LNK-16). No states: row and wire are enough. */
export interface PromoTool {
  readonly id: PromoToolId;
  readonly name: string;
  readonly kind: PromoToolKind;
  readonly programId: ProgramId;
  readonly productGroupId: string | null;
  /** Where the tool leads, below the hosts that the program allows. */
  readonly url: string;
  readonly mediaId: MediaId | null;
  readonly html: string | null;
  readonly text: string | null;
  readonly campaign: string | null;
  readonly ad: string | null;
  readonly active: boolean;
  readonly version: number;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
}

/** What stands for itself in a tool's text until an affiliate takes it (LNK-12). */
export const mergeFields = ['link', 'affiliate_name', 'program_name'] as const;
export type MergeField = (typeof mergeFields)[number];
export type MergeValues = Readonly<Record<MergeField, string>>;

const fieldPattern = /\{\{\s*([^{}]*?)\s*\}\}/g;

/** The fields of a text that we do not know; a text with one cannot be saved (LNK-12). */
export function unknownMergeFields(text: string): readonly string[] {
  const names = [...text.matchAll(fieldPattern)].map((match) => match[1] ?? '');
  return [...new Set(names)].filter((name) => !mergeFields.includes(name as MergeField));
}

/** The text with the affiliate's own values; `isHtml`: as they are written in HTML. */
export function merged(text: string, values: MergeValues, isHtml: boolean): string {
  return text.replace(fieldPattern, (_whole, name: string) => {
    const value = values[name as MergeField];
    return isHtml ? escapedHtml(value) : value;
  });
}

function escapedHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

export interface Snippet {
  readonly url: string;
  readonly html: string | null;
  readonly text: string | null;
}

/**
 * What the affiliate pastes: the tool with their own link. Markup that names no link is wrapped in one, so that no click is lost; a lightbox
 * opens on the page and closes by its own button, without a script.
 */
export function snippetOf(tool: Pick<PromoTool, 'kind' | 'name' | 'html' | 'text'>, values: MergeValues): Snippet {
  const own = tool.html === null ? null : merged(tool.html, values, true);
  const linked =
    own === null
      ? `<a href="${escapedHtml(values.link)}">${escapedHtml(tool.name)}</a>`
      : /\{\{\s*link\s*\}\}/.test(tool.html ?? '')
        ? own
        : `<a href="${escapedHtml(values.link)}">${own}</a>`;
  const text = tool.text === null ? null : merged(tool.text, values, false);
  switch (tool.kind) {
    case 'link':
      return { url: values.link, html: linked, text: text ?? values.link };
    case 'banner':
      return { url: values.link, html: linked, text };
    case 'lightbox':
      return {
        url: values.link,
        html: `<dialog open style="position:fixed;inset:0;margin:auto;z-index:9999;border:0;padding:0;max-width:90vw">${linked}<form method="dialog" style="position:absolute;top:0;right:0"><button aria-label="Close">&#215;</button></form></dialog>`,
        text,
      };
    case 'email':
      return { url: values.link, html: tool.html === null ? null : linked, text };
    default:
      return tool.kind satisfies never;
  }
}
