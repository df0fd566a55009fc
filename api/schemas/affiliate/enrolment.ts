import { z } from 'zod';
import type { LastDecision } from '../../../db/audit/directDecision.js';
import { type Enrolment, enrolmentTransitions } from '../../../domain/affiliate/enrolment.js';
import type { OpenRequirement } from '../../../domain/affiliate/requirement.js';
import type { Instant } from '../../../domain/time.js';
import { statusesOf } from '../../../domain/transitions.js';
import { listQuery } from '../../lists.js';
import {
  decisionWire,
  idWire,
  instantWire,
  listOf,
  objectFields,
  openRequirementWire,
  versionFields,
} from '../wire.js';
import { undoWire } from './affiliate.js';

export const enrolmentParams = z.strictObject({ enrolmentId: idWire('enrolment') });
const statuses = statusesOf(enrolmentTransitions) as ['pending', 'active', 'paused', 'ended'];

export const enrolmentCreate = z.strictObject({ programId: idWire('program') });
export const enrolmentQuery = listQuery({});

export const enrolmentWire = z
  .strictObject({
    ...objectFields('enrolment', 'enrolment'),
    affiliateId: idWire('affiliate'),
    programId: idWire('program'),
    status: z.enum(statuses),
    joinedAt: instantWire,
    linkId: z.string().nullable(),
    openRequirements: z.array(openRequirementWire),
    decision: decisionWire,
    undo: undoWire.exactOptional(),
    allowedActions: z.array(z.string()),
    ...versionFields,
  })
  .openapi('Enrolment');
export type EnrolmentReply = z.output<typeof enrolmentWire>;
export const enrolmentList = listOf(enrolmentWire);

export function presentEnrolment(
  enrolment: Enrolment,
  more: {
    readonly linkId: string | null;
    readonly openRequirements: readonly OpenRequirement[];
    readonly decision: LastDecision | null;
    readonly allowedActions: readonly string[];
    readonly undo?: { readonly path: string; readonly until: Instant };
  },
): EnrolmentReply {
  return {
    object: 'enrolment',
    ...enrolment,
    linkId: more.linkId,
    openRequirements: [...more.openRequirements],
    decision: more.decision,
    ...(more.undo === undefined ? {} : { undo: more.undo }),
    allowedActions: [...more.allowedActions],
  };
}
