import { z } from 'zod';
import type { SavedView } from '../../../db/access/savedView.js';
import { idWire, nameText, versionFields } from '../wire.js';

const fields = {
  screen: z.string().regex(/^[a-z][a-zA-Z0-9-]{0,63}$/),
  name: nameText,
  /** The list's address after the question mark: filters, sort, columns; never a cursor, which is one moment's. */
  query: z
    .string()
    .max(2_000)
    .regex(/^[\x21-\x7e]*$/),
  shared: z.boolean(),
  isDefault: z.boolean(),
};

export const newSavedViewBody = z.strictObject({
  ...fields,
  shared: fields.shared.default(false),
  isDefault: fields.isDefault.default(false),
});
export const savedViewPatch = z.strictObject({
  name: fields.name.exactOptional(),
  query: fields.query.exactOptional(),
  shared: fields.shared.exactOptional(),
  isDefault: fields.isDefault.exactOptional(),
});

export const savedViewWire = z
  .strictObject({
    id: idWire('savedView'),
    object: z.literal('saved_view'),
    ...fields,
    /** Made by the caller; others are only used. */
    own: z.boolean(),
    ...versionFields,
  })
  .openapi('SavedView');

export function presentSavedView(view: SavedView, reader: string): z.output<typeof savedViewWire> {
  return {
    id: view.id,
    object: 'saved_view',
    screen: view.screen,
    name: view.name,
    query: view.query,
    shared: view.shared,
    isDefault: view.isDefault && view.userId === reader,
    own: view.userId === reader,
    version: view.version,
    createdAt: view.createdAt,
    updatedAt: view.updatedAt,
  };
}
