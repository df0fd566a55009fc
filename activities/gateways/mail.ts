import { createTransport } from 'nodemailer';
import type { Db } from '../../db/connection.js';
import { type Email, type EmailId, findEmail, markEmailFailed, markEmailSent } from '../../db/messaging/email.js';
import { inWorkspace, readWorkspace } from '../../db/transaction.js';
import { parseId, type WorkspaceId } from '../../domain/ids.js';

/** What a mail server said. `refused` only where it is sure that the mail will never be taken. */
export type MailAnswer =
  | { readonly class: 'taken' }
  | { readonly class: 'refused'; readonly code: string }
  | { readonly class: 'failed'; readonly code: string };

export interface Mailer {
  send(email: Email, signal: AbortSignal): Promise<MailAnswer>;
}

/** Without SMTP_URL mails stay in the development mailbox: the row is the mail, and it counts as delivered. */
export const localMailbox: Mailer = { send: () => Promise.resolve({ class: 'taken' }) };

const timeoutMs = 10_000;

/** A mail server by SMTP. The sender's address is `no-reply` at the host of PUBLIC_URL, unless the URL names another one as `?from=`. */
export function smtpMailer(smtpUrl: string, publicUrl: string): Mailer {
  const url = new URL(smtpUrl);
  const from = url.searchParams.get('from') ?? `no-reply@${new URL(publicUrl).hostname}`;
  url.searchParams.delete('from');
  const transport = createTransport({
    url: url.toString(),
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
  });
  return {
    async send(email, signal) {
      signal.throwIfAborted();
      try {
        await transport.sendMail({
          from,
          to: { name: '', address: email.recipient }, // as an object: a text would be parsed as a list of recipients
          subject: email.subject,
          text: email.body,
          // The same mail twice (a relay killed between call and mark) is one for most readers.
          messageId: `<${email.id}@${new URL(publicUrl).hostname}>`,
          ...(email.unsubscribeUrl === null
            ? {}
            : {
                headers: {
                  'List-Unsubscribe': `<${email.unsubscribeUrl}>`,
                  'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
                },
              }),
          disableFileAccess: true,
          disableUrlAccess: true,
        });
        return { class: 'taken' };
      } catch (error) {
        return answerOf(error);
      }
    },
  };
}

/** 5xx is final (RFC 5321, 4.2.1), but for the sign-in, which is about us and not about the recipient. */
function answerOf(error: unknown): MailAnswer {
  const { code, responseCode } = error as { readonly code?: unknown; readonly responseCode?: unknown };
  const name = typeof code === 'string' ? code.toLowerCase() : 'unknown';
  if (name === 'eauth') return { class: 'failed', code: 'smtp.eauth' };
  return typeof responseCode === 'number' && responseCode >= 500 && responseCode < 600
    ? { class: 'refused', code: `smtp.${responseCode}` }
    : { class: 'failed', code: `smtp.${name}` };
}

/** One outbox row of topic `mail`: reads the mail, sends it, writes what came of it. A relay function (temporal.md 2.1); safe to repeat. */
export async function deliverEmail(
  deps: { readonly db: Db; readonly mailer: Mailer },
  row: { readonly workspaceId: string; readonly payload: unknown },
  signal: AbortSignal,
): Promise<MailAnswer> {
  const { emailId } = (row.payload ?? {}) as { readonly emailId?: unknown };
  if (typeof emailId !== 'string' || parseId('email', emailId) === undefined)
    return { class: 'refused', code: 'message.malformed' };
  const workspaceId = row.workspaceId as WorkspaceId;
  const email = await readWorkspace(deps.db, workspaceId, (tx) => findEmail(tx, emailId));
  if (email === undefined || email.sentAt !== null) return { class: 'taken' }; // erased, or sent before the mark was lost
  const answer = await deps.mailer.send(email, signal);
  await inWorkspace(deps.db, workspaceId, (tx, now) =>
    answer.class === 'taken' ? markEmailSent(tx, email.id, now) : markEmailFailed(tx, emailId as EmailId, answer.code),
  );
  return answer;
}
