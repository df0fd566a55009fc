import { getSettings } from '../../../db/access/settings.js';
import { findAgreement, insertAgreement } from '../../../db/program/agreement.js';
import { findProgram, lockProgram } from '../../../db/program/program.js';
import { listAcceptances, listAgreements } from '../../../db/reads/program/agreementList.js';
import { DomainError } from '../../../domain/errors.js';
import { isBefore } from '../../../domain/time.js';
import { answer } from '../../answer.js';
import { defineRoute, type Route } from '../../route.js';
import {
  acceptanceList,
  acceptanceQuery,
  agreementCreate,
  agreementList,
  agreementParams,
  agreementQuery,
  agreementWire,
  presentAcceptance,
  presentAgreement,
} from '../../schemas/program/agreement.js';
import { programParams } from '../../schemas/program/program.js';
import { tellEnrolled } from './agreementNotice.js';
import { fieldRefusal } from './directDecision.js';

const list = defineRoute({
  method: 'GET',
  path: '/v1/programs/:programId/agreements',
  permission: 'program.read',
  params: programParams,
  query: agreementQuery,
  reply: agreementList,
  refuses: ['resource.not_found'],
  async handle(ctx) {
    const page = ctx.page(ctx.query);
    return ctx.read(async (tx) => {
      if ((await findProgram(tx, ctx.params.programId)) === undefined) throw new DomainError('resource.not_found');
      const agreements = await listAgreements(tx, ctx.params.programId, ctx.query, page);
      return ctx.list(agreements, page, presentAgreement, ({ createdAt, id }) => ({ value: createdAt, id }));
    });
  },
});

const publish = defineRoute({
  method: 'POST',
  path: '/v1/programs/:programId/agreements',
  permission: 'program.write',
  params: programParams,
  body: agreementCreate,
  reply: agreementWire,
  status: 201,
  refuses: ['resource.not_found', 'program.transition_not_allowed'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const { body } = ctx;
      const program = await lockProgram(tx, ctx.params.programId);
      if (program === undefined) throw new DomainError('resource.not_found');
      if (program.status === 'closed')
        throw new DomainError('program.transition_not_allowed', { currentStatus: program.status, allowedActions: [] });
      const effectiveFrom = body.effectiveFrom ?? act.now;
      // Terms that were in force before anybody could read them bind nobody.
      if (isBefore(effectiveFrom, act.now))
        throw fieldRefusal('effectiveFrom', 'out_of_range', 'Now or later: terms do not reach back.');
      const graceUntil = body.graceUntil ?? null;
      if (graceUntil !== null && isBefore(graceUntil, effectiveFrom))
        throw fieldRefusal('graceUntil', 'out_of_range', 'Not before effectiveFrom.');
      const agreement = await insertAgreement(tx, act, {
        id: act.newId('agreement'),
        programId: program.id,
        kind: body.kind,
        title: body.title,
        text: body.text,
        mustAccept: body.mustAccept ?? body.kind === 'terms',
        effectiveFrom,
        graceUntil,
      });
      const { timeZone } = (await getSettings(tx)).settings.general;
      await tellEnrolled(tx, act, { agreement, programName: program.name, timeZone });
      return answer(presentAgreement(agreement), { location: `/v1/agreements/${agreement.id}` });
    }),
});

const get = defineRoute({
  method: 'GET',
  path: '/v1/agreements/:agreementId',
  permission: 'program.read',
  params: agreementParams,
  reply: agreementWire,
  refuses: ['resource.not_found'],
  handle: (ctx) =>
    ctx.read(async (tx) => {
      const agreement = await findAgreement(tx, ctx.params.agreementId);
      if (agreement === undefined) throw new DomainError('resource.not_found');
      return presentAgreement(agreement);
    }),
});

const acceptances = defineRoute({
  method: 'GET',
  path: '/v1/agreements/:agreementId/acceptances',
  permission: 'program.read',
  params: agreementParams,
  query: acceptanceQuery,
  reply: acceptanceList,
  refuses: ['resource.not_found'],
  async handle(ctx) {
    const page = ctx.page(ctx.query);
    return ctx.read(async (tx) => {
      const agreement = await findAgreement(tx, ctx.params.agreementId);
      if (agreement === undefined) throw new DomainError('resource.not_found');
      const rows = await listAcceptances(tx, ctx.scope, agreement, page);
      return ctx.list(
        rows,
        page,
        (row) => presentAcceptance(agreement.id, row),
        (row) => ({ value: row.enrolledAt, id: row.affiliateId }),
      );
    });
  },
});

export const agreementRoutes: readonly Route[] = [list, publish, get, acceptances];
