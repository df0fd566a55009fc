import { findProgram, lockProgram } from '../../../db/program/program.js';
import { listThresholds, putThresholds } from '../../../db/program/standard.js';
import { DomainError } from '../../../domain/errors.js';
import { defineRoute, type Route } from '../../route.js';
import { programParams } from '../../schemas/program/program.js';
import { presentThresholds, thresholdsBody, thresholdsWire } from '../../schemas/program/standard.js';

const get = defineRoute({
  method: 'GET',
  path: '/v1/programs/:programId/thresholds',
  summary: 'What an affiliate has to reach in a period',
  permission: 'program.read',
  params: programParams,
  reply: thresholdsWire,
  refuses: ['resource.not_found'],
  handle: (ctx) =>
    ctx.read(async (tx) => {
      if ((await findProgram(tx, ctx.params.programId)) === undefined) throw new DomainError('resource.not_found');
      return presentThresholds(await listThresholds(tx, ctx.params.programId));
    }),
});

/** Replaces them whole; `[]` takes them away. They count from the first period that ends after this moment. */
const put = defineRoute({
  method: 'PUT',
  path: '/v1/programs/:programId/thresholds',
  permission: 'program.write',
  params: programParams,
  body: thresholdsBody,
  reply: thresholdsWire,
  refuses: ['resource.not_found'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const program = await lockProgram(tx, ctx.params.programId);
      if (program === undefined) throw new DomainError('resource.not_found');
      ctx.requireVersion(program.version);
      await putThresholds(tx, act, program, ctx.body);
      return presentThresholds(ctx.body);
    }),
});

/** Performance thresholds of a program (PRG-18). */
export const standardRoutes: readonly Route[] = [get, put];
