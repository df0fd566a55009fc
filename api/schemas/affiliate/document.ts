import { z } from 'zod';
import type { LastDecision } from '../../../db/audit/directDecision.js';
import type { AskedDocument } from '../../../db/reads/affiliate/documentList.js';
import {
  type AffiliateDocument,
  documentActions,
  documentStates,
  documentTransitions,
} from '../../../domain/affiliate/document.js';
import { statusesOf } from '../../../domain/transitions.js';
import { anyOf, anyText, listQuery } from '../../lists.js';
import { uploadedFile } from '../../upload.js';
import { byWire, dateWire, decisionWire, idWire, listOf, objectFields, versionFields } from '../wire.js';

export const documentParams = z.strictObject({ documentId: idWire('document') });
const statuses = statusesOf(documentTransitions) as ['waiting', 'accepted', 'refused', 'expired', 'replaced'];

export const documentQuery = listQuery({ status: anyOf(statuses), type: anyText() }, { sort: ['createdAt'], q: true });

/** `type` is the name of a document that a program of the affiliate asks for. */
export const documentUpload = z.strictObject({
  file: uploadedFile,
  type: z.string().regex(/^[a-z][a-z0-9_]{0,39}$/),
  expiresOn: dateWire.exactOptional(),
});
export type DocumentUpload = z.output<typeof documentUpload>;

/** A document that a program asks to see, as its form says it. */
export const documentKindWire = z.strictObject({
  type: z.string(),
  label: z.string(),
  hint: z.string().nullable(),
  required: z.boolean(),
  expires: z.boolean(),
});

/** With how it stands for one affiliate. */
export const documentStandingWire = documentKindWire.extend({ state: z.enum(documentStates) });

/** What the list asks for, beside what was sent. */
const askedWire = documentStandingWire.extend({ programNames: z.array(z.string()) });

const ownFields = {
  type: z.string(),
  label: z.string(),
  fileName: z.string(),
  contentType: z.string(),
  sizeBytes: z.int(),
  status: z.enum(statuses),
  expiresOn: dateWire.nullable(),
  /** What the affiliate reads beside a refusal. */
  publicReason: z.string().nullable(),
};

export const documentWire = z
  .strictObject({
    ...objectFields('document', 'document'),
    affiliateId: idWire('affiliate'),
    affiliateName: z.string(),
    ...ownFields,
    uploadedBy: byWire,
    decision: decisionWire,
    allowedActions: z.array(z.string()),
    ...versionFields,
  })
  .openapi('AffiliateDocument');
export type DocumentReply = z.output<typeof documentWire>;
export const documentList = listOf(documentWire);
/** An affiliate's own list also says what its programs ask for, and how that stands. */
export const affiliateDocumentList = listOf(documentWire).extend({ asked: z.array(askedWire) });

export const ownDocumentWire = z
  .strictObject({ ...objectFields('document', 'document'), ...ownFields, ...versionFields })
  .openapi('OwnDocument');
export const ownDocumentList = listOf(ownDocumentWire).extend({ asked: z.array(askedWire) });

export function presentAsked(asked: readonly AskedDocument[]): z.output<typeof askedWire>[] {
  return asked.map((one) => ({ ...one, programNames: [...one.programNames] }));
}

export function presentOwnDocument(document: AffiliateDocument): z.output<typeof ownDocumentWire> {
  const { uploadedBy: _by, affiliateId: _affiliate, ...fields } = document;
  return { object: 'document', ...fields };
}

export function presentDocument(
  document: AffiliateDocument,
  more: {
    readonly affiliateName: string;
    readonly names: ReadonlyMap<string, string>;
    readonly decision: LastDecision | null;
    readonly mayDecide: boolean;
  },
): DocumentReply {
  const { type, id } = document.uploadedBy;
  return {
    object: 'document',
    ...document,
    affiliateName: more.affiliateName,
    uploadedBy: { type, id, name: id === null ? null : (more.names.get(id) ?? null) },
    decision: more.decision,
    allowedActions: more.mayDecide ? [...documentActions(document.status)] : [],
  };
}
