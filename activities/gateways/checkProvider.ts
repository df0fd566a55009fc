import type { CheckKind, CheckVerdict } from '../../domain/earning/check.js';

/** Who is to be verified, for one call only; never logged. */
export interface CheckSubject {
  readonly name: string | null;
  readonly email: string | null;
  readonly phone: string | null;
  readonly country: string | null;
}

export interface CheckQuestion {
  /** The same question has the same key, so that a provider counts it once. */
  readonly requestKey: string;
  readonly kind: CheckKind;
  readonly subject: CheckSubject;
}

/** An outside verification service behind one interface. What it did not surely answer is `unknown`, and is asked again. */
export interface CheckProvider {
  readonly adapter: string;
  readonly callTimeoutMs: number;
  ask(question: CheckQuestion, signal: AbortSignal): Promise<CheckVerdict>;
}

/**
 * The simulated provider: the part of the e-mail before the @ says what happens, as the account does at the simulated gateway
 * (api.md 10.1). `check-fails…` fails, `check-silent…` is never known, everybody else passes.
 */
export function simulatedCheckProvider(): CheckProvider {
  return {
    adapter: 'simulated',
    callTimeoutMs: 10_000,
    async ask({ subject }) {
      const mailbox = subject.email?.split('@')[0] ?? '';
      if (mailbox.startsWith('check-fails')) return 'failed';
      return mailbox.startsWith('check-silent') ? 'unknown' : 'passed';
    },
  };
}
