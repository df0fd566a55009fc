import { findProgram, lockProgram } from '../../../db/program/program.js';
import { listThresholds, planThresholds, putThresholds } from '../../../db/program/standard.js';
import { DomainError } from '../../../domain/errors.js';
import { invalid } from '../../problems.js';
import { defineRoute, type Route } from '../../route.js';
import { programParams } from '../../schemas/program/program.js';
import { presentThresholds, thresholdsBody, thresholdsQuery, thresholdsWire } from '../../schemas/program/standard.js';

const get = defineRoute({
  method: 'GET',
  path: '/v1/programs/:programId/thresholds',
  summary: 'What an affiliate has to reach in a period',
  permission: 'program.read',
  params: programParams,
  reply: thresholdsWire,
  refuses: ['resource.not_found'],
  handle: (ctx) =>
    ctx.read(async (tx, now) => {
      if ((await findProgram(tx, ctx.params.programId)) === undefined) throw new DomainError('resource.not_found');
      return presentThresholds(await listThresholds(tx, ctx.params.programId, now));
    }),
});

/**
 * Replaces them whole; `[]` takes them away. They count from the first period that ends after this moment, or after `effectiveFrom` (PRG-17): until
 * then those that hold count on, and `scheduled` of the program shows what is planned.
 */
const put = defineRoute({
  method: 'PUT',
  path: '/v1/programs/:programId/thresholds',
  permission: 'program.write',
  params: programParams,
  query: thresholdsQuery,
  body: thresholdsBody,
  reply: thresholdsWire,
  refuses: ['resource.not_found', 'program.transition_not_allowed'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const program = await lockProgram(tx, ctx.params.programId);
      if (program === undefined) throw new DomainError('resource.not_found');
      ctx.requireVersion(program.version);
      if (program.status === 'closed')
        throw new DomainError('program.transition_not_allowed', { currentStatus: program.status, allowedActions: [] });
      const { effectiveFrom } = ctx.query;
      if (effectiveFrom === undefined) await putThresholds(tx, act, program, ctx.body);
      else if (effectiveFrom <= act.now)
        throw invalid({
          parameter: 'effectiveFrom',
          code: 'out_of_range',
          detail: 'In the future; without it they hold at once.',
        });
      else await planThresholds(tx, act, program, ctx.body, effectiveFrom);
      return presentThresholds(ctx.body);
    }),
});

/** Performance thresholds of a program (PRG-18). */
export const standardRoutes: readonly Route[] = [get, put];
