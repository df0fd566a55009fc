import { useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { getMeUsersOptions } from '../../../client/@tanstack/react-query.gen.js';
import { deleteMeUsersByUserId, patchMeUsersByUserId } from '../../../client/sdk.gen.js';
import { postPath } from '../../../kit/api.js';
import { Loaded } from '../../../kit/Loaded.js';
import { PortalPeople } from '../../../kit/PortalPeople.js';
import { useWithStepUp } from '../../../kit/stepUp.js';

/** Other logins of the own record with their rights (screens.md 6). */
export function People({ mayWrite }: { readonly mayWrite: boolean }): ReactElement {
  const withStepUp = useWithStepUp();
  const people = useQuery(getMeUsersOptions());
  return (
    <Loaded query={people}>
      {({ data }) => (
        <PortalPeople
          people={data}
          mayWrite={mayWrite}
          withoutAccess={false}
          add={({ name, email, rights }, key) =>
            withStepUp(() => postPath('/v1/me/users', { name, email, rights }, key))
          }
          change={({ id: userId, version }, { name, rights }) =>
            withStepUp(() =>
              patchMeUsersByUserId({
                path: { userId },
                body: { name, rights },
                headers: { 'If-Match': `"${version}"` } as never,
                throwOnError: true,
              }),
            )
          }
          remove={({ id: userId }) => withStepUp(() => deleteMeUsersByUserId({ path: { userId }, throwOnError: true }))}
        />
      )}
    </Loaded>
  );
}
