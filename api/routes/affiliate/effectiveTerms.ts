import { getSettings } from '../../../db/access/settings.js';
import { findAffiliate } from '../../../db/affiliate/affiliate.js';
import { listEnrolments } from '../../../db/affiliate/enrolment.js';
import { findGroup } from '../../../db/affiliate/group.js';
import { listRulesAt } from '../../../db/program/commissionPlan.js';
import { findProgram } from '../../../db/program/program.js';
import { requireAffiliateInScope } from '../../../db/reads/affiliate/affiliateScope.js';
import { findProductNames } from '../../../db/reads/affiliate/ownPrograms.js';
import { ownRates } from '../../../domain/program/ownRates.js';
import { defineRoute, type Route } from '../../route.js';
import { affiliateParams } from '../../schemas/affiliate/affiliate.js';
import { effectiveTermsList, presentEffectiveTerms } from '../../schemas/affiliate/effectiveTerms.js';

/** Why does this affiliate earn 23 %? The rules that count for it now, its terms, and who set each (screens.md 3.5). */
const effective = defineRoute({
  method: 'GET',
  path: '/v1/affiliates/:affiliateId/effective-terms',
  summary:
    'Per program what counts for the affiliate now: rules, window, hold, minimum, method types, each with its scope',
  permission: 'rule.read',
  params: affiliateParams,
  reply: effectiveTermsList,
  refuses: ['resource.not_found', 'access.not_in_scope'],
  handle: (ctx) =>
    ctx.read(async (tx, now) => {
      const affiliate = await requireAffiliateInScope(tx, await findAffiliate(tx, ctx.params.affiliateId), ctx.scope);
      const { settings } = await getSettings(tx);
      const group = affiliate.groupId === null ? undefined : await findGroup(tx, affiliate.groupId);
      const data = [];
      for (const enrolment of await listEnrolments(tx, affiliate.id)) {
        const program = enrolment.status === 'ended' ? undefined : await findProgram(tx, enrolment.programId);
        if (program === undefined) continue;
        const rules = await listRulesAt(tx, program.id, now);
        const rates = ownRates(rules, affiliate, {
          levels: program.levels,
          acquisitionModel: program.acquisitionModel,
        });
        const productNames = await findProductNames(
          tx,
          rates.flatMap((rate) => rate.productId ?? []),
        );
        const stored = new Map(rules.map((rule) => [rule.id as string, rule]));
        data.push(
          presentEffectiveTerms(enrolment, program, {
            affiliate,
            group,
            settings,
            rates,
            rules: stored,
            productNames,
            now,
          }),
        );
      }
      return { data, nextCursor: null };
    }),
});

export const effectiveTermsRoutes: readonly Route[] = [effective];
