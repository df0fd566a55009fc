import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { getUsersOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { GetUsersResponse } from '../../../client/types.gen.js';
import { DateText } from '../../../kit/DateText.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { PageHead } from '../../../kit/Shell.js';
import { StatusPill } from '../../../kit/StatusPill.js';

type Person = GetUsersResponse['data'][number];

/** Settings → Team (screens.md 3.22). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  return (
    <>
      <PageHead title={t('team.title')} text={t('team.text')} />
      <ResourceTable<Person>
        screen="team"
        label={t('team.title')}
        list={(query) => getUsersOptions({ query }) as never}
        rowLabel={(person) => person.name}
        empty={{ title: t('team.empty') }}
        columns={[
          { key: 'name', title: t('team.name'), render: (person) => person.name, csv: (person) => person.name },
          { key: 'email', title: t('team.email'), render: (person) => person.email, csv: (person) => person.email },
          {
            key: 'roles',
            title: t('team.roles'),
            render: (person) => person.roleIds.join(', '),
            csv: (person) => person.roleIds.join(' '),
          },
          {
            key: 'status',
            title: t('team.status'),
            render: (person) => <StatusPill status={person.status} objectId={person.id} />,
            csv: (person) => person.status,
          },
          {
            key: 'createdAt',
            title: t('team.since'),
            render: (person) => <DateText value={person.createdAt} time={false} />,
            csv: (person) => person.createdAt,
          },
        ]}
      />
    </>
  );
}
