import { z } from 'zod';
import type { AppealRecord } from '../../../db/earning/appeal.js';
import { answerDays, appealTransitions, isEscalated } from '../../../domain/earning/appeal.js';
import { addDays, type Instant } from '../../../domain/time.js';
import { statusesOf } from '../../../domain/transitions.js';
import { anyOf, anyText, listQuery } from '../../lists.js';
import { idWire, instantWire, listOf, noteText, objectFields, text, versionFields } from '../wire.js';

const statuses = statusesOf(appealTransitions) as ['open', 'upheld', 'dismissed', 'withdrawn'];
export const appealParams = z.strictObject({ appealId: idWire('appeal') });
export const appealQuery = listQuery({ status: anyOf(statuses), affiliateId: anyText() }, { q: true });
export const appealCreate = z.strictObject({ objectId: text(40), text: noteText });

const fields = {
  objectType: z.enum(['referral', 'commission', 'lead']),
  objectId: z.string(),
  text: z.string(),
  status: z.enum(statuses),
  answer: z.string().nullable(),
  answeredAt: instantWire.nullable(),
  answerBy: instantWire,
};
export const ownAppealWire = z
  .strictObject({
    ...objectFields('appeal', 'appeal'),
    ...fields,
    allowedActions: z.array(z.string()),
    ...versionFields,
  })
  .openapi('OwnAppeal');
export const ownAppealList = listOf(ownAppealWire);
export const appealWire = z
  .strictObject({
    ...objectFields('appeal', 'appeal'),
    affiliateId: z.string(),
    referralId: z.string().nullable(),
    ...fields,
    escalated: z.boolean(),
    allowedActions: z.array(z.string()),
    test: z.boolean(),
    ...versionFields,
  })
  .openapi('Appeal');
export const appealList = listOf(appealWire);

function shared(appeal: AppealRecord) {
  return {
    id: appeal.id,
    object: 'appeal' as const,
    objectType: appeal.objectType,
    objectId: appeal.objectId,
    text: appeal.text,
    status: appeal.status,
    answer: appeal.answer,
    answeredAt: appeal.answeredAt,
    answerBy: addDays(appeal.createdAt, answerDays),
    version: appeal.version,
    createdAt: appeal.createdAt,
    updatedAt: appeal.updatedAt,
  };
}

export function presentAppeal(appeal: AppealRecord, now: Instant, mayAnswer: boolean): z.output<typeof appealWire> {
  return {
    ...shared(appeal),
    affiliateId: appeal.affiliateId,
    referralId: appeal.referralId,
    escalated: isEscalated(appeal, now),
    allowedActions: appeal.status === 'open' && mayAnswer ? ['uphold', 'dismiss'] : [],
    test: appeal.mode === 'test',
  };
}

export function presentOwnAppeal(appeal: AppealRecord): z.output<typeof ownAppealWire> {
  return { ...shared(appeal), allowedActions: appeal.status === 'open' ? ['withdraw'] : [] };
}
