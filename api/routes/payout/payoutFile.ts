import { getSettings } from '../../../db/access/settings.js';
import { recordSensitiveRead } from '../../../db/audit/sensitiveRead.js';
import {
  findPayoutFile,
  listPayoutFiles,
  listPayoutsForFile,
  listPayoutsInFiles,
  lockFilesOf,
  type PayoutFile,
  type PlannedPayout,
  storePayoutFile,
} from '../../../db/payout/payoutFile.js';
import { listFreezes } from '../../../db/reads/payout/payoutControls.js';
import { readWorkspaceZone } from '../../../db/reads/payout/payoutStep.js';
import { findRunView } from '../../../db/reads/payout/payoutRunView.js';
import { inWorkspace, type ReadTx, type Tx } from '../../../db/transaction.js';
import type { Act, Mode } from '../../../domain/act.js';
import { dateIn } from '../../../domain/calendar.js';
import { DomainError } from '../../../domain/errors.js';
import type { PayoutRunId } from '../../../domain/ids.js';
import { formatMoney } from '../../../domain/money.js';
import {
  chooseForFile,
  type FilePart,
  type FilePayout,
  isPayingFormat,
  type PayoutFileFormat,
  payoutFileFormats,
  payoutFilePurpose,
  type SkippedPayout,
  splitFiles,
} from '../../../domain/payout/payoutFile.js';
import { detailsPurpose } from '../../../domain/payout/payoutMethod.js';
import { sepaMessage } from '../../../domain/payout/sepaFile.js';
import { toCsv } from '../../../platform/csv.js';
import { type Secrets, sha256Hex } from '../../../platform/secrets.js';
import { toXml } from '../../../platform/xml.js';
import { answer, fileAnswer } from '../../answer.js';
import { defineRoute, type Route } from '../../route.js';
import {
  payoutFileContent,
  payoutFileCreate,
  payoutFileList,
  payoutFileMade,
  payoutFileParams,
  presentPayoutFile,
} from '../../schemas/payout/payoutFile.js';
import { payoutRunParams } from '../../schemas/payout/payoutRun.js';

async function requireRun(tx: ReadTx | Tx, mode: Mode, id: PayoutRunId): Promise<void> {
  if ((await findRunView(tx, mode, id)) === undefined) throw new DomainError('resource.not_found');
}

const list = defineRoute({
  method: 'GET',
  path: '/v1/payout-runs/:runId/files',
  permission: 'payout.read',
  params: payoutRunParams,
  reply: payoutFileList,
  refuses: ['resource.not_found'],
  handle: (ctx) =>
    ctx.read(async (tx) => {
      await requireRun(tx, ctx.mode, ctx.params.runId);
      return { data: (await listPayoutFiles(tx, ctx.params.runId)).map(presentPayoutFile), nextCursor: null };
    }),
});

/**
 * Makes what is missing: per currency, at most 5,000 rows each. A payout stands in one paying file only, whatever is asked how often; when
 * nothing new is to be written, the files that are there are answered (200). `skipped`: every payout that no file of now holds, and why.
 */
const create = defineRoute({
  method: 'POST',
  path: '/v1/payout-runs/:runId/files',
  permission: 'payout.execute',
  params: payoutRunParams,
  body: payoutFileCreate,
  reply: payoutFileMade,
  status: 201,
  refuses: ['resource.not_found', 'payout_run.payouts_frozen', 'settings.settings_missing'],
  handle: (ctx, deps) =>
    ctx.write(async (tx, act) => {
      const { format } = ctx.body;
      await requireRun(tx, ctx.mode, ctx.params.runId);
      await lockFilesOf(tx, ctx.params.runId);
      const freezes = isPayingFormat(format) ? await listFreezes(tx, 'manual') : [];
      if (freezes.length > 0)
        throw new DomainError('payout_run.payouts_frozen', { reasons: freezes.map(({ reason }) => reason) });
      const { made, skipped } = await makeFiles(tx, act, deps.secrets, ctx.params.runId, format);
      const files = made.some(({ isNew }) => isNew)
        ? made.map(({ file }) => file)
        : (await listPayoutFiles(tx, ctx.params.runId)).filter((file) => file.format === format);
      return answer(
        // Also where nobody is in a file: then no file could name those who are left out.
        { data: files.map(presentPayoutFile), nextCursor: null, skipped: skipped.map((one) => ({ ...one })) },
        { status: made.some(({ isNew }) => isNew) ? 201 : 200 },
      );
    }),
});

interface Made {
  readonly file: PayoutFile;
  readonly isNew: boolean;
}

async function makeFiles(
  tx: Tx,
  act: Act,
  secrets: Secrets,
  runId: PayoutRunId,
  format: PayoutFileFormat,
): Promise<{ readonly made: readonly Made[]; readonly skipped: readonly SkippedPayout[] }> {
  const planned = await listPayoutsForFile(tx, runId);
  const inFiles = await listPayoutsInFiles(tx, {
    runId,
    formats: isPayingFormat(format) ? payoutFileFormats.filter(isPayingFormat) : [format],
  });
  const detailsOf = new Map(planned.map((payout) => [payout.id, payout.sealedDetails]));
  const accountOf = (payout: PlannedPayout) => openAccount(secrets, detailsOf.get(payout.id));
  const { chosen, skipped } = chooseForFile(
    planned.map((payout) => ({
      ...payout,
      iban: format === 'sepa_pain_001' && payout.methodType === 'bank' ? accountOf(payout).iban : null,
      isInFile: inFiles.has(payout.id),
    })),
    format,
  );
  const write = await writerOf(tx, act, secrets, { runId, format, detailsOf });
  const made: Made[] = [];
  for (const part of splitFiles(chosen)) {
    const content = write(part);
    made.push(
      await storePayoutFile(tx, act, {
        runId,
        format,
        currency: part.currency,
        part: part.part,
        parts: part.parts,
        rowCount: part.payouts.length,
        amountMinor: part.amountMinor,
        sha256: sha256Hex(content),
        skipped: skippedOf(part, skipped, planned),
        payoutIds: part.payouts.map(({ id }) => id),
        sealed: secrets.seal(payoutFilePurpose, content),
      }),
    );
  }
  return { made, skipped };
}

/** What a format's parts are written by. Code: `settings.settings_missing` while nobody has said whose account a bank's file debits. */
async function writerOf(
  tx: Tx,
  act: Act,
  secrets: Secrets,
  of: {
    readonly runId: PayoutRunId;
    readonly format: PayoutFileFormat;
    readonly detailsOf: ReadonlyMap<string, unknown>;
  },
): Promise<(part: FilePart<FilePayout>) => string> {
  if (of.format === 'generic_csv') return genericCsv;
  if (of.format === 'paypal_mass_pay') return (part) => paypalCsv(part, of.detailsOf, secrets);
  const { payouts } = (await getSettings(tx)).settings;
  const { debtorName: name, debtorIban: iban, debtorBic: bic } = payouts;
  if (name === null || iban === null)
    throw new DomainError('settings.settings_missing', {
      detail: 'Say in the payout settings whose account is debited: debtorName and debtorIban.',
    });
  const executeOn = dateIn(await readWorkspaceZone(tx), act.now);
  return (part) =>
    toXml(
      sepaMessage({
        // Of what it pays: a bank that is given the same payments in another message of this run refuses the second by its id.
        messageId: `TRB-${sha256Hex(JSON.stringify([of.runId, part.payouts.map(({ id }) => id)])).slice(0, 28)}`,
        createdAt: act.now,
        executeOn,
        debtor: { name, iban, bic },
        payments: part.payouts.map((payout) => ({
          id: payout.id,
          holder: openAccount(secrets, of.detailsOf.get(payout.id)).holder,
          iban: payout.iban ?? '',
          amountMinor: payout.amountMinor,
        })),
      }),
    );
}

function openAccount(secrets: Secrets, details: unknown): { readonly holder: string; readonly iban: string | null } {
  const { sealed } = details as { readonly sealed: string };
  const { holder = '', iban = null } = JSON.parse(secrets.unseal(detailsPurpose, sealed)) as {
    readonly holder?: string;
    readonly iban?: string;
  };
  return { holder, iban };
}

/** Who is left out stands once per currency, on its first part. */
function skippedOf(
  part: FilePart<FilePayout>,
  skipped: readonly SkippedPayout[],
  planned: readonly PlannedPayout[],
): readonly SkippedPayout[] {
  if (part.part > 1) return [];
  const currencyOf = new Map(planned.map((payout) => [payout.id, payout.currency]));
  return skipped.filter((one) => currencyOf.get(one.payoutId) === part.currency);
}

/** api.md 10.2: `email,amount,currency,payoutId,note`. */
function paypalCsv(part: FilePart<FilePayout>, detailsOf: ReadonlyMap<string, unknown>, secrets: Secrets): string {
  return toCsv(
    ['email', 'amount', 'currency', 'payoutId', 'note'],
    part.payouts.map((payout) => {
      const { sealed } = detailsOf.get(payout.id) as { readonly sealed: string };
      const { email = '' } = JSON.parse(secrets.unseal(detailsPurpose, sealed)) as { readonly email?: string };
      return [email, amountOf(payout), payout.currency, payout.id, `Payout ${payout.id}`];
    }),
  );
}

/** For the accounts: one payout a row, nothing that pays anybody. Columns: docs/running/payout-files.md. */
function genericCsv(part: FilePart<FilePayout>): string {
  return toCsv(
    [
      'payoutId',
      'affiliateId',
      'affiliate',
      'amount',
      'currency',
      'status',
      'methodType',
      'method',
      'dueOn',
      'paidOn',
      'reference',
    ],
    part.payouts.map((payout) => [
      payout.id,
      payout.affiliateId,
      payout.name,
      amountOf(payout),
      payout.currency,
      payout.status,
      payout.methodType,
      payout.methodMasked,
      payout.dueOn,
      payout.paidOn,
      payout.reference,
    ]),
  );
}

function amountOf(payout: FilePayout): string {
  return formatMoney({ minor: payout.amountMinor, currency: payout.currency }).amount;
}

/** The same bytes each time; each download leaves a line (AUD-12). */
const content = defineRoute({
  method: 'GET',
  path: '/v1/payout-files/:fileId/content',
  permission: 'payout.read',
  params: payoutFileParams,
  reply: payoutFileContent,
  refuses: ['resource.not_found'],
  async handle(ctx, deps) {
    const found = await ctx.read((tx) => findPayoutFile(tx, ctx.mode, ctx.params.fileId));
    if (found === undefined) throw new DomainError('resource.not_found');
    const { file, sealed } = found;
    await inWorkspace(deps.db, ctx.workspaceId, (tx, now) =>
      recordSensitiveRead(tx, ctx.act(now), { objectType: 'payout_file', objectId: file.id, event: 'downloaded' }),
    );
    const isXml = file.format === 'sepa_pain_001';
    const place = file.parts > 1 ? `-${file.part}-of-${file.parts}` : '';
    return fileAnswer(Buffer.from(deps.secrets.unseal(payoutFilePurpose, sealed), 'utf8'), {
      contentType: isXml ? 'application/xml' : 'text/csv; charset=utf-8',
      fileName: `${file.format}-${file.currency}${place}-${file.id}.${isXml ? 'xml' : 'csv'}`,
    });
  },
});

export const payoutFileRoutes: readonly Route[] = [list, create, content];
