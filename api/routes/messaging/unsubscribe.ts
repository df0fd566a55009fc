import type { Context } from 'koa';
import { z } from 'zod';
import { findAffiliate } from '../../../db/affiliate/affiliate.js';
import { findChoice, keepChoice, lockChoice, type MessageChoice } from '../../../db/messaging/message.js';
import { inWorkspace, readWorkspace } from '../../../db/transaction.js';
import { DomainError } from '../../../domain/errors.js';
import { parseId, type WorkspaceId } from '../../../domain/ids.js';
import type { ApiDeps } from '../../deps.js';
import { escapeHtml } from '../../html.js';
import { sendPublicPage } from '../../publicPage.js';
import type { Route } from '../../route.js';
import { parseWith } from '../../validation.js';
import { visitorAct } from '../affiliate/apply.js';

// `GET` and `POST /unsubscribe/{token}` (api.md 4.2): messages that one may decline, declined in one click. A look changes nothing, because
// scanners of mails look at every address; the button, and the mail reader's own one (RFC 8058), do.

const texts = {
  en: {
    title: 'E-mails from us',
    ask: 'We write to you now and then about our program. You can stop these e-mails here.',
    stop: 'Stop these e-mails',
    stopped: 'You get no more e-mails of this kind',
    kept: 'What your account needs, such as payouts and sign-in links, still reaches you.',
    back: 'Get them again',
    on: 'You get these e-mails again',
    over: 'This address is not valid',
    overText: 'Please use the link from one of our latest e-mails.',
  },
  de: {
    title: 'E-Mails von uns',
    ask: 'Wir schreiben Ihnen ab und zu über unser Programm. Hier können Sie diese E-Mails abbestellen.',
    stop: 'Diese E-Mails abbestellen',
    stopped: 'Sie bekommen keine solchen E-Mails mehr',
    kept: 'Was Ihr Konto braucht, etwa zu Auszahlungen und Anmeldung, erreicht Sie weiterhin.',
    back: 'Wieder bekommen',
    on: 'Sie bekommen diese E-Mails wieder',
    over: 'Diese Adresse ist nicht gültig',
    overText: 'Bitte nutzen Sie den Link aus einer unserer letzten E-Mails.',
  },
} as const;

const unsubscribeParams = z.strictObject({ token: z.string() });

const publicRoute = {
  path: '/unsubscribe/:token',
  permission: 'public',
  params: unsubscribeParams,
  query: undefined,
  body: undefined,
  idempotency: 'none',
  ifMatch: 'none',
  stepUp: false,
  secretReply: false,
  reply: z.unknown(),
  status: 200,
} as const;

interface Asked {
  readonly workspaceId: WorkspaceId;
  readonly token: string;
}

/** The address names its workspace: nothing is looked up over all of them. */
function askedOf(koa: Context): Asked | undefined {
  const { token } = parseWith(unsubscribeParams, koa['params'], 'path') as z.output<typeof unsubscribeParams>;
  const [workspace = '', own = ''] = token.split('.');
  const workspaceId = parseId('workspace', workspace);
  return workspaceId === undefined || !/^[\w-]{20,100}$/.test(own) ? undefined : { workspaceId, token: own };
}

function languageOf(language: string | null | undefined): 'en' | 'de' {
  return language === 'de' ? 'de' : 'en';
}

/** For people a page, for programs a problem. */
function sendOver(koa: Context): void {
  if (koa.accepts('json', 'html') === 'json') throw new DomainError('access.token_used_or_expired');
  const t = texts.en;
  sendPublicPage(koa, {
    status: 410,
    language: 'en',
    title: t.over,
    content: `<h1>${t.over}</h1><p>${t.overText}</p>`,
  });
}

function sendChoice(
  koa: Context,
  {
    language,
    isOut,
    hasChosen,
  }: { readonly language: 'en' | 'de'; readonly isOut: boolean; readonly hasChosen: boolean },
): void {
  const t = texts[language];
  const action = `${koa.path}${isOut ? '?again=1' : ''}`;
  const head = isOut ? t.stopped : hasChosen ? t.on : t.title;
  sendPublicPage(koa, {
    status: 200,
    language,
    title: head,
    content:
      `<h1>${head}</h1><p>${isOut ? t.kept : t.ask}</p><form method="post" action="${escapeHtml(action)}">` +
      `<p><button type="submit">${isOut ? t.back : t.stop}</button></p></form>`,
  });
}

const look: Route = {
  ...publicRoute,
  method: 'GET',
  summary: 'The page on which messages are declined',
  refuses: ['access.token_used_or_expired'],
  async run(koa, deps) {
    deps.rateLimiter.take(koa, null, look);
    const asked = askedOf(koa);
    const found =
      asked === undefined
        ? undefined
        : await readWorkspace(deps.db, asked.workspaceId, async (tx) => {
            const choice = await findChoice(tx, asked.token);
            if (choice === undefined) return undefined;
            return { choice, language: languageOf((await findAffiliate(tx, choice.affiliateId))?.language) };
          });
    if (found === undefined) return sendOver(koa);
    sendChoice(koa, { language: found.language, isOut: found.choice.optedOutAt !== null, hasChosen: false });
  },
};

/** What a mail reader sends along is not read: pressing is the whole message. */
const choose: Route = {
  ...publicRoute,
  method: 'POST',
  summary: 'Decline messages, also by the button of a mail reader; `?again=1` takes it back',
  refuses: ['access.token_used_or_expired'],
  async run(koa, deps) {
    deps.rateLimiter.take(koa, null, choose);
    const asked = askedOf(koa);
    const isOut = koa.query['again'] !== '1';
    const language = asked === undefined ? undefined : await keep(koa, deps, asked, isOut);
    if (language === undefined) return sendOver(koa);
    sendChoice(koa, { language, isOut, hasChosen: true });
  },
};

function keep(koa: Context, deps: ApiDeps, { workspaceId, token }: Asked, isOut: boolean) {
  return inWorkspace(deps.db, workspaceId, async (tx, now) => {
    const choice: MessageChoice | undefined = await lockChoice(tx, token);
    if (choice === undefined) return undefined;
    await keepChoice(tx, visitorAct(koa, deps, workspaceId, now), choice, isOut);
    return languageOf((await findAffiliate(tx, choice.affiliateId))?.language);
  });
}

export const unsubscribeRoutes: readonly Route[] = [look, choose];
