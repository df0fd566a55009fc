/** What the simulated gateway really did, one line per request it took (api.md 10.1). Read by its adapter and by the journal's route. */
export interface SandboxRequest {
  readonly at: string;
  readonly requestKey: string;
  readonly reference: string;
  readonly account: string;
  /** Decimal text of minor units: a journal is JSON. */
  readonly amountMinor: string;
  readonly currency: string;
  /** Whose account pays; absent on lines of releases that did not tell. */
  readonly merchant?: string;
}

/** Money that a merchant put into its account at the simulated gateway. The same reference again is the same money. */
export interface SandboxDeposit {
  readonly at: string;
  readonly deposit: string;
  readonly merchant: string;
  readonly amountMinor: string;
  readonly currency: string;
}

export interface SandboxEntry extends SandboxRequest {
  readonly providerId: string;
  readonly outcome: 'paid' | 'refused' | 'returned';
  /** That key again within the window: answered with the first one's outcome, not paid again. */
  readonly replay: boolean;
}

type JournalLine = { readonly id: string; readonly entry: Readonly<Record<string, unknown>> };

const isDeposit = (entry: Readonly<Record<string, unknown>>): boolean => typeof entry['deposit'] === 'string';

/** What a merchant put in, each reference once. */
export function readSandboxDeposits(lines: readonly JournalLine[], merchant: string): readonly SandboxDeposit[] {
  const first = new Map<string, SandboxDeposit>();
  for (const { entry } of lines) {
    if (!isDeposit(entry) || entry['merchant'] !== merchant) continue;
    const deposit = entry as unknown as SandboxDeposit;
    if (!first.has(deposit.deposit)) first.set(deposit.deposit, deposit);
  }
  return [...first.values()];
}

/**
 * The lines in the order the gateway took them → what each did. The first line of a key pays; the same key again within the window is a
 * replay; after the window the gateway has forgotten it and pays again, as real ones do.
 */
export function readSandboxJournal(
  lines: readonly JournalLine[],
  keyWindowMs: number,
  msOf: (at: string) => number,
): readonly SandboxEntry[] {
  const first = new Map<string, SandboxEntry>();
  return lines.flatMap(({ id, entry }) => {
    if (isDeposit(entry)) return [];
    const request = entry as unknown as SandboxRequest;
    const before = first.get(request.requestKey);
    const isReplay = before !== undefined && msOf(request.at) - msOf(before.at) < keyWindowMs;
    if (isReplay) return [{ ...request, providerId: before.providerId, outcome: before.outcome, replay: true }];
    const taken: SandboxEntry = {
      ...request,
      providerId: `sbx_${id.replaceAll('-', '')}`,
      outcome: request.account === 'refuse' ? 'refused' : request.account === 'returned' ? 'returned' : 'paid',
      replay: false,
    };
    first.set(request.requestKey, taken);
    return [taken];
  });
}

/** The simulated gateway recognises a key for a day. */
export const sandboxKeyWindowMs = 86_400_000;
