import { Button, Checkbox, Group as Row, NativeSelect, Textarea, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getGroupsOptions } from '../../../client/@tanstack/react-query.gen.js';
import { deleteGroupsByGroupId, patchGroupsByGroupId } from '../../../client/sdk.gen.js';
import type { Group } from '../../../client/types.gen.js';
import { postPath } from '../../../kit/api.js';
import { FormDialog } from '../../../kit/FormDialog.js';
import { useKeys } from '../../../kit/keys.js';
import { MoneyList } from '../../../kit/MoneyText.js';
import { NameLink } from '../../../kit/ObjectName.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { RowMenu } from '../../../kit/RowMenu.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';

const frequencies = ['weekly', 'biweekly', 'monthly', 'quarterly', 'manual'] as const;
const methodTypes = ['bank', 'wallet', 'paypal', 'cheque', 'tipalti', 'sandbox'] as const;

/** Affiliates → Groups: classes with common terms, their members and payout rules (screens.md 3.7). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const mayWrite = useCan()('group.write');
  const [edited, setEdited] = useState<Group | 'new' | null>(null);
  const [leaving, setLeaving] = useState<Group | null>(null);
  useKeys({
    c: () => {
      if (mayWrite) setEdited('new');
    },
  });
  const create = mayWrite ? <Button onClick={() => setEdited('new')}>{t('group.new')}</Button> : undefined;
  return (
    <>
      <PageHead title={t('group.title')} text={t('group.text')} actions={create} />
      <ResourceTable<Group>
        screen="groups"
        label={t('group.title')}
        hasText
        list={(query) => getGroupsOptions({ query }) as never}
        rowLabel={(row) => row.name}
        rowActions={(row) => (
          <RowMenu
            row={row.name}
            actions={
              mayWrite
                ? [
                    { key: 'edit', text: t('desk.change'), onPress: () => setEdited(row) },
                    { key: 'delete', text: t('desk.delete'), isNegative: true, onPress: () => setLeaving(row) },
                  ]
                : []
            }
          />
        )}
        empty={{ title: t('group.none'), text: t('group.noneText'), action: create }}
        columns={[
          { key: 'name', title: t('form.name'), sort: 'name', render: (row) => row.name, csv: 'name' },
          {
            key: 'members',
            title: t('group.members'),
            align: 'right',
            render: (row) => <NameLink to={`/affiliates?groupId=${row.id}`} name={String(row.memberCount)} />,
            csv: 'memberCount',
          },
          {
            key: 'default',
            title: t('group.default'),
            render: (row) => t(row.isDefault ? 'yes' : 'no'),
            csv: 'isDefault',
          },
          {
            key: 'minimum',
            title: t('group.minimum'),
            align: 'right',
            render: (row) =>
              row.minimumPayout.length === 0 ? t('group.asWorkspace') : <MoneyList values={row.minimumPayout} />,
            csv: 'minimumPayout',
          },
          {
            key: 'frequency',
            title: t('group.frequency'),
            render: (row) =>
              row.payoutFrequency === null ? t('group.asWorkspace') : t(`group.frequency.${row.payoutFrequency}`),
            csv: 'payoutFrequency',
          },
          {
            key: 'methods',
            title: t('group.methods'),
            render: (row) =>
              row.payoutMethodTypes.length === 0
                ? t('group.asWorkspace')
                : row.payoutMethodTypes.map((type) => t(`method.${type}`)).join(', '),
            csv: 'payoutMethodTypes',
          },
          {
            key: 'area',
            title: t('group.area'),
            hidden: true,
            render: (row) => row.area ?? '–',
            csv: 'area',
          },
          {
            key: 'traffic',
            title: t('group.trafficKind'),
            hidden: true,
            render: (row) => row.trafficKind ?? '–',
            csv: 'trafficKind',
          },
          {
            key: 'results',
            title: t('group.resultsClass'),
            hidden: true,
            render: (row) => row.resultsClass ?? '–',
            csv: 'resultsClass',
          },
        ]}
      />
      {edited === null ? null : (
        <GroupForm group={edited === 'new' ? undefined : edited} onClose={() => setEdited(null)} />
      )}
      {leaving === null ? null : <DeleteGroup group={leaving} onClose={() => setLeaving(null)} />}
    </>
  );
}

const nullIfEmpty = (text: string): string | null => (text.trim() === '' ? null : text.trim());

function GroupForm({
  group,
  onClose,
}: {
  readonly group: Group | undefined;
  readonly onClose: () => void;
}): ReactElement {
  const { t } = useTranslation();
  const [name, setName] = useState(group?.name ?? '');
  const [isDefault, setDefault] = useState(group?.isDefault ?? false);
  // A line per currency: `EUR 50.00`. What is no amount the server says at this field.
  const [minimum, setMinimum] = useState(
    (group?.minimumPayout ?? []).map((one) => `${one.currency} ${one.amount}`).join('\n'),
  );
  const [frequency, setFrequency] = useState<string>(group?.payoutFrequency ?? '');
  const [methods, setMethods] = useState<readonly string[]>(group?.payoutMethodTypes ?? []);
  const [area, setArea] = useState(group?.area ?? '');
  const [traffic, setTraffic] = useState(group?.trafficKind ?? '');
  const [results, setResults] = useState(group?.resultsClass ?? '');
  const save = async (key: string): Promise<void> => {
    const body = {
      name: name.trim(),
      isDefault,
      minimumPayout: minimum
        .split('\n')
        .map((line) => line.trim().split(/\s+/))
        .flatMap(([currency = '', amount = '']) => (currency === '' ? [] : [{ currency, amount }])),
      payoutFrequency: frequency === '' ? null : (frequency as (typeof frequencies)[number]),
      payoutMethodTypes: methods as (typeof methodTypes)[number][],
      area: nullIfEmpty(area),
      trafficKind: nullIfEmpty(traffic),
      resultsClass: nullIfEmpty(results),
    };
    if (group === undefined) await postPath('/v1/groups', body, key);
    else await patchGroupsByGroupId({ path: { groupId: group.id }, body, throwOnError: true });
  };
  return (
    <FormDialog
      title={t(group === undefined ? 'group.new' : 'desk.change')}
      submit={t(group === undefined ? 'group.create' : 'desk.save')}
      save={save}
      onClose={onClose}
    >
      {(errors) => (
        <>
          <TextInput
            label={t('form.name')}
            value={name}
            error={errors['name']}
            required
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <Checkbox
            label={t('group.isDefault')}
            checked={isDefault}
            onChange={(event) => setDefault(event.currentTarget.checked)}
          />
          <Textarea
            label={t('group.minimum')}
            description={t('group.minimumHint')}
            value={minimum}
            error={Object.entries(errors).find(([field]) => field.startsWith('minimumPayout'))?.[1]}
            autosize
            onChange={(event) => setMinimum(event.currentTarget.value)}
          />
          <NativeSelect
            label={t('group.frequency')}
            value={frequency}
            onChange={(event) => setFrequency(event.currentTarget.value)}
            data={[
              { value: '', label: t('group.asWorkspace') },
              ...frequencies.map((value) => ({ value, label: t(`group.frequency.${value}`) })),
            ]}
          />
          <Checkbox.Group
            label={t('group.methods')}
            description={t('group.methodsHint')}
            value={[...methods]}
            onChange={setMethods}
          >
            <Row gap="sm" mt="xs">
              {methodTypes.map((type) => (
                <Checkbox key={type} value={type} label={t(`method.${type}`)} />
              ))}
            </Row>
          </Checkbox.Group>
          <TextInput label={t('group.area')} value={area} onChange={(event) => setArea(event.currentTarget.value)} />
          <TextInput
            label={t('group.trafficKind')}
            value={traffic}
            onChange={(event) => setTraffic(event.currentTarget.value)}
          />
          <TextInput
            label={t('group.resultsClass')}
            value={results}
            onChange={(event) => setResults(event.currentTarget.value)}
          />
        </>
      )}
    </FormDialog>
  );
}

/** A group with members goes only when they have another one to go to (GRP-06). */
function DeleteGroup({ group, onClose }: { readonly group: Group; readonly onClose: () => void }): ReactElement {
  const { t } = useTranslation();
  const groups = useQuery(getGroupsOptions({ query: { limit: 200, sort: 'name' } }));
  const [moveTo, setMoveTo] = useState('');
  const others = (groups.data?.data ?? []).filter((one) => one.id !== group.id);
  return (
    <FormDialog
      title={t('group.delete', { name: group.name })}
      submit={t('desk.delete')}
      save={() =>
        deleteGroupsByGroupId({
          path: { groupId: group.id },
          ...(moveTo === '' ? {} : { query: { moveTo } }),
          throwOnError: true,
        })
      }
      onClose={onClose}
      isReady={group.memberCount === 0 || moveTo !== ''}
    >
      {() =>
        group.memberCount === 0 ? (
          t('group.deleteEmpty')
        ) : (
          <NativeSelect
            label={t('group.moveTo', { count: group.memberCount })}
            value={moveTo}
            onChange={(event) => setMoveTo(event.currentTarget.value)}
            data={[{ value: '', label: '–' }, ...others.map((one) => ({ value: one.id, label: one.name }))]}
          />
        )
      }
    </FormDialog>
  );
}
