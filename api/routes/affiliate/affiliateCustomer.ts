import { findAffiliate } from '../../../db/affiliate/affiliate.js';
import { countAffiliateCustomers, listAffiliateCustomers } from '../../../db/reads/affiliate/affiliateCustomers.js';
import { requireAffiliateInScope } from '../../../db/reads/affiliate/affiliateScope.js';
import { boundsOf } from '../../lists.js';
import { defineRoute, type Route } from '../../route.js';
import { affiliateParams } from '../../schemas/affiliate/affiliate.js';
import {
  affiliateCustomerList,
  affiliateCustomerQuery,
  presentAffiliateCustomer,
} from '../../schemas/affiliate/affiliateCustomer.js';

/** Who of an affiliate's referrals became a customer, since when, and who still is (AFF-19). */
const list = defineRoute({
  method: 'GET',
  path: '/v1/affiliates/:affiliateId/customers',
  summary:
    'The customers an affiliate brought, one per referral that has one; how many began when by `startedAt` and `include=counts`',
  permission: 'affiliate.read',
  params: affiliateParams,
  query: affiliateCustomerQuery,
  reply: affiliateCustomerList,
  refuses: ['resource.not_found', 'access.not_in_scope'],
  handle(ctx) {
    const { query } = ctx;
    const page = ctx.page(query);
    const isAffiliate = ctx.scope.kind === 'affiliate';
    const filter = { ...query, startedAt: boundsOf(query, 'startedAt'), mayName: !isAffiliate };
    return ctx.read(async (tx) => {
      const found = await findAffiliate(tx, ctx.params.affiliateId);
      const { id: affiliateId } = await requireAffiliateInScope(tx, found, ctx.scope);
      const of = { affiliateId, mode: ctx.mode };
      const rows = await listAffiliateCustomers(tx, of, filter, page);
      const reader = { seesPeople: ctx.can('pii.read'), isAffiliate };
      const counts =
        query.include?.includes('counts') === true ? { counts: await countAffiliateCustomers(tx, of, filter) } : {};
      return {
        ...ctx.list(
          rows,
          page,
          (row) => presentAffiliateCustomer(row, reader),
          (row) => ({ value: row.startedAt, id: row.referralId }),
        ),
        ...counts,
      };
    });
  },
});

export const affiliateCustomerRoutes: readonly Route[] = [list];
