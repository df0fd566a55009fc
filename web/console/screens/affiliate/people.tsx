import { useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { getAffiliatesByAffiliateIdContactsOptions } from '../../../client/@tanstack/react-query.gen.js';
import {
  deleteAffiliatesByAffiliateIdContactsByUserId,
  patchAffiliatesByAffiliateIdContactsByUserId,
} from '../../../client/sdk.gen.js';
import { postPath } from '../../../kit/api.js';
import { Loaded } from '../../../kit/Loaded.js';
import { PortalPeople } from '../../../kit/PortalPeople.js';
import { useCan } from '../../../kit/session.js';

/** The people of an affiliate, and who of them signs in to its portal (api.md 8). */
export function People({ affiliateId }: { readonly affiliateId: string }): ReactElement {
  const mayWrite = useCan()('affiliate.write');
  const people = useQuery(getAffiliatesByAffiliateIdContactsOptions({ path: { affiliateId } }));
  return (
    <Loaded query={people}>
      {({ data }) => (
        <PortalPeople
          people={data}
          mayWrite={mayWrite}
          withoutAccess
          add={(draft, key) => postPath(`/v1/affiliates/${affiliateId}/contacts`, draft, key)}
          change={({ id: userId, version }, { name, rights, portalAccess }) =>
            patchAffiliatesByAffiliateIdContactsByUserId({
              path: { affiliateId, userId },
              body: { name, rights, portalAccess },
              headers: { 'If-Match': `"${version}"` } as never,
              throwOnError: true,
            })
          }
          remove={({ id: userId }) =>
            deleteAffiliatesByAffiliateIdContactsByUserId({ path: { affiliateId, userId }, throwOnError: true })
          }
        />
      )}
    </Loaded>
  );
}
