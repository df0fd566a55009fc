import { Group, NativeSelect, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import {
  getAffiliatesOptions,
  getGroupsOptions,
  getProgramsByProgramIdProductsOptions,
} from '../../../client/@tanstack/react-query.gen.js';
import { useCan } from '../../../kit/session.js';

/** For whom or what a rule of a program is (ruling 5). `id`: the product, group or affiliate; empty for the program itself. */
export interface RuleTarget {
  readonly scope: 'program' | 'program_product' | 'group' | 'affiliate';
  readonly id: string;
}

/** The place of a new rule as the API takes it: rules of a group or an affiliate are narrowed to this program. */
export function placeOf({ scope, id }: RuleTarget, programId: string): Readonly<Record<string, string>> {
  const field = { program: null, program_product: 'productId', group: 'groupId', affiliate: 'affiliateId' }[scope];
  return { scope, programId, ...(field === null ? {} : { [field]: id }) };
}

/** Chooses it: everybody in the program, one product, a group (RUL-09), one affiliate (RUL-10). */
export function RuleTargetFields({
  programId,
  value,
  onChange,
}: {
  readonly programId: string;
  readonly value: RuleTarget;
  readonly onChange: (next: RuleTarget) => void;
}): ReactElement {
  const { t } = useTranslation();
  const can = useCan();
  const [find, setFind] = useState('');
  const scopes = [
    'program',
    'program_product',
    ...(can('group.read') ? ['group'] : []),
    ...(can('affiliate.read') ? ['affiliate'] : []),
  ] as readonly RuleTarget['scope'][];
  const products = useQuery({
    ...getProgramsByProgramIdProductsOptions({ path: { programId }, query: { limit: 200 } }),
    enabled: value.scope === 'program_product',
  });
  const groups = useQuery({ ...getGroupsOptions({ query: { limit: 200 } }), enabled: value.scope === 'group' });
  const affiliates = useQuery({
    ...getAffiliatesOptions({ query: { programId, limit: 200, ...(find === '' ? {} : { q: find }) } }),
    enabled: value.scope === 'affiliate',
  });
  const options: readonly { readonly value: string; readonly label: string }[] = {
    program: [],
    program_product: (products.data?.data ?? []).map((one) => ({ value: one.productId, label: one.name })),
    group: (groups.data?.data ?? []).map((one) => ({ value: one.id, label: one.name })),
    affiliate: (affiliates.data?.data ?? []).map((one) => ({ value: one.id, label: `${one.name} (${one.email})` })),
  }[value.scope];
  return (
    <Group align="flex-end">
      <NativeSelect
        label={t('rule.for')}
        value={value.scope}
        onChange={(change) => onChange({ scope: change.currentTarget.value as RuleTarget['scope'], id: '' })}
        data={scopes.map((scope) => ({ value: scope, label: t(`rule.scope.${scope}`) }))}
      />
      {value.scope === 'affiliate' ? (
        <TextInput
          label={t('rule.findAffiliate')}
          value={find}
          onChange={(change) => setFind(change.currentTarget.value)}
        />
      ) : null}
      {value.scope === 'program' ? null : (
        <NativeSelect
          label={t(`rule.target.${value.scope}`)}
          value={value.id}
          required
          onChange={(change) => onChange({ ...value, id: change.currentTarget.value })}
          data={[{ value: '', label: '–' }, ...options]}
        />
      )}
    </Group>
  );
}
