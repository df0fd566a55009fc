import { insertQuestion, lockQuestions } from '../../../db/earning/creditCheck.js';
import { readCreditOfClick, readCreditOfOrder } from '../../../db/reads/earning/creditFacts.js';
import { answerCredit, questionsLeft } from '../../../domain/earning/creditCheck.js';
import { DomainError } from '../../../domain/errors.js';
import { epochMs } from '../../../domain/time.js';
import { defineRoute, type Route } from '../../route.js';
import { creditCheckBody, creditCheckWire, presentCreditCheck } from '../../schemas/earning/creditCheck.js';
import { portalRefusals, requireOwn } from '../affiliate/ownRecord.js';

const noTouch = {
  touches: [],
  happenedAt: null,
  creditedTo: null,
  unattributedCode: null,
  decision: null,
  rejectedReferralId: null,
} as const;

/**
 * "Why was I not credited?" (BEY-14): ten questions in 24 hours. Who has no touch learns nothing about the order, not even that there is one; a
 * question that was answered is counted, one that is refused is not. Reading, so a suspended affiliate may ask too.
 */
const ask = defineRoute({
  method: 'POST',
  path: '/v1/me/credit-checks',
  summary: 'Why was I not credited? A touch, its window, and the rule that decided, without anybody’s identity',
  permission: 'me.read',
  body: creditCheckBody,
  reply: creditCheckWire,
  refuses: ['request.rate_limited', ...portalRefusals],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const { affiliate } = await requireOwn(tx, ctx, act.now);
      const { left, nextAt } = questionsLeft(await lockQuestions(tx, affiliate.id, act.now));
      if (nextAt !== null)
        throw new DomainError('request.rate_limited', {
          retryAfter: Math.max(1, Math.ceil((epochMs(nextAt) - epochMs(act.now)) / 1_000)),
        });
      const { orderReference, clickId } = ctx.body;
      const of = { mode: act.mode, affiliateId: affiliate.id };
      const asked = clickId ?? orderReference ?? '';
      const facts =
        (clickId === undefined
          ? await readCreditOfOrder(tx, { ...of, orderReference: asked })
          : await readCreditOfClick(tx, { ...of, clickId })) ?? noTouch;
      const told = answerCredit(affiliate.id, facts);
      await insertQuestion(tx, {
        affiliateId: affiliate.id,
        at: act.now,
        kind: clickId === undefined ? 'order' : 'click',
        asked,
        outcome: told.outcome,
      });
      return presentCreditCheck(told, { appealObjectId: facts.rejectedReferralId, questionsLeft: left - 1 });
    }),
});

export const creditCheckRoutes: readonly Route[] = [ask];
