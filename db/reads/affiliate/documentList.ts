import type { Scope } from '../../../domain/access/permission.js';
import {
  type AffiliateDocument,
  type DocumentFact,
  type DocumentKind,
  type DocumentState,
  type DocumentStatus,
  stateOf,
} from '../../../domain/affiliate/document.js';
import { type DocumentRow, documentColumns, listDocumentFacts, toDocument } from '../../affiliate/document.js';
import type { ReadTx, Tx } from '../../transaction.js';
import { scopeToAffiliates } from '../earning/affiliateRows.js';
import { keyset, type Page } from '../keyset.js';

export interface DocumentFilter {
  readonly affiliateId?: string | undefined;
  readonly status?: readonly DocumentStatus[] | undefined;
  readonly type?: readonly string[] | undefined;
  /** Literal, in affiliate, kind, name of the file and id. */
  readonly q?: string | undefined;
}

export interface DocumentView {
  readonly document: AffiliateDocument;
  readonly affiliateName: string;
}

// Which documents of affiliates that this reader may see are there? Copies that were replaced show where they are asked for.
export async function listDocuments(
  tx: ReadTx,
  scope: Scope,
  filter: DocumentFilter,
  page: Page,
): Promise<readonly DocumentView[]> {
  const query = tx('affiliate_documents as document')
    .join('affiliates as affiliate', (on) =>
      on.on('affiliate.workspace_id', 'document.workspace_id').andOn('affiliate.id', 'document.affiliate_id'),
    )
    .select<(DocumentRow & { affiliate_name: string })[]>(
      ...documentColumns.map((column) => `document.${column}`),
      'affiliate.name as affiliate_name',
    );
  scopeToAffiliates(query, scope, 'document');
  if (filter.affiliateId !== undefined) query.where('document.affiliate_id', filter.affiliateId);
  if (filter.status === undefined) query.whereNot('document.status', 'replaced');
  else query.whereIn('document.status', [...filter.status]);
  if (filter.type !== undefined) query.whereIn('document.type', [...filter.type]);
  if (filter.q !== undefined)
    query.whereRaw(
      `(document.id = :q or strpos(lower(affiliate.name), lower(:q)) > 0 or strpos(lower(affiliate.email), lower(:q)) > 0
        or strpos(lower(document.file_name), lower(:q)) > 0 or strpos(document.type, replace(lower(:q), ' ', '_')) > 0)`,
      { q: filter.q },
    );
  const rows = (await keyset(
    query,
    page,
    { createdAt: 'document.created_at' },
    'document.id',
  )) as readonly (DocumentRow & { readonly affiliate_name: string })[];
  return rows.map((row) => ({ document: toDocument(row), affiliateName: row.affiliate_name }));
}

/** A document that the affiliate's programs ask for, and how it stands. */
export interface AskedDocument extends DocumentKind {
  readonly state: DocumentState;
  readonly programNames: readonly string[];
}

/** What the programs of an affiliate ask to see; of two that ask for the same, the words of the first by name. */
export async function listAskedDocuments(tx: ReadTx | Tx, affiliateId: string): Promise<readonly AskedDocument[]> {
  const { rows } = await tx.raw<{ rows: { name: string; blocks: boolean; documents: readonly DocumentKind[] }[] }>(
    `select program.name, 'documents' = any(program.requirements) as blocks, form.documents
     from enrolments as enrolment
     join programs as program on program.workspace_id = enrolment.workspace_id and program.id = enrolment.program_id
     join application_forms as form on form.workspace_id = enrolment.workspace_id and form.program_id = enrolment.program_id
     where enrolment.affiliate_id = :affiliateId and enrolment.status <> 'ended'
     order by program.name, program.id`,
    { affiliateId },
  );
  const facts: readonly DocumentFact[] = rows.length === 0 ? [] : await listDocumentFacts(tx, affiliateId);
  const asked = new Map<string, AskedDocument>();
  for (const { name, blocks, documents } of rows)
    for (const kind of documents) {
      const before = asked.get(kind.type);
      asked.set(kind.type, {
        ...(before ?? { ...kind, state: stateOf(kind.type, facts) }),
        required: before?.required === true || (kind.required && blocks),
        expires: before?.expires === true || kind.expires,
        programNames: [...(before?.programNames ?? []), name],
      });
    }
  return [...asked.values()];
}
