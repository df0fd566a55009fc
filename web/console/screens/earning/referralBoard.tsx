import { Badge, Group, Paper, SimpleGrid, Stack, Text, Title } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { getReferralsOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { Referral } from '../../../client/types.gen.js';
import { DateText } from '../../../kit/DateText.js';
import { DecisionMenu } from '../../../kit/DecisionButtons.js';
import { type Filter, FilterBar } from '../../../kit/FilterBar.js';
import { Loaded } from '../../../kit/Loaded.js';
import { MoneyList } from '../../../kit/MoneyText.js';
import { AffiliateName, NameLink } from '../../../kit/ObjectName.js';
import { type Search, useAddress } from '../../../kit/router.js';
import type { RowAction } from '../../../kit/RowMenu.js';
import { StatusPill } from '../../../kit/StatusPill.js';
import { customerOf } from './referralCustomer.js';

const pollMs = 30_000;
const cards = 25;
/** Before a lead there is nothing to decide: these stages have referrals only where somebody asks for visitors. */
const stages = ['lead', 'sale'] as const;
const allStages = ['click', 'visit', 'lead', 'sale'] as const;

/** The same referrals by their stage (screens.md 3.15). A stage is a fact: nothing is dragged here, cards are decided by their menu. */
export function ReferralBoard({
  filters,
  actionsOf,
}: {
  readonly filters: readonly Filter[];
  readonly actionsOf: (row: Referral) => readonly RowAction[];
}): ReactElement {
  const { search, change } = useAddress();
  const isOfVisitors = /tracking|expired|merged/.test(search['status'] ?? '');
  const shown = (isOfVisitors ? allStages : stages).filter(
    (stage) => search['stage'] === undefined || search['stage'].split(',').includes(stage),
  );
  return (
    <Stack gap="sm">
      <FilterBar filters={filters} search={search} counts={undefined} hasText onChange={change} />
      <SimpleGrid cols={{ base: 1, sm: Math.min(shown.length, 2), lg: shown.length }}>
        {shown.map((stage) => (
          <StageColumn key={stage} stage={stage} filter={filterIn(search, filters)} actionsOf={actionsOf} />
        ))}
      </SimpleGrid>
    </Stack>
  );
}

function filterIn(search: Search, filters: readonly Filter[]): Readonly<Record<string, string>> {
  const fields = [...filters.map((one) => one.field), 'q'];
  return Object.fromEntries(fields.flatMap((field) => (search[field] ? [[field, search[field]]] : [])));
}

function StageColumn({
  stage,
  filter,
  actionsOf,
}: {
  readonly stage: (typeof allStages)[number];
  readonly filter: Readonly<Record<string, string>>;
  readonly actionsOf: (row: Referral) => readonly RowAction[];
}): ReactElement {
  const { t } = useTranslation();
  const query = useQuery({
    ...getReferralsOptions({ query: { ...filter, stage, limit: cards, include: 'counts,value' } }),
    placeholderData: keepPreviousData,
    refetchInterval: pollMs,
    refetchIntervalInBackground: false,
  });
  const total = query.data?.counts?.total;
  const title = t(`stage.${stage}`);
  return (
    <Paper withBorder p="sm" component="section" aria-label={title}>
      <Group justify="space-between" mb="sm">
        <Title order={2} size="h4" tt="capitalize">
          {title}
        </Title>
        {total === undefined ? null : (
          <Text size="sm" c="dimmed">
            {t('referral.onBoard', { count: total })}
          </Text>
        )}
      </Group>
      <Loaded query={query} lines={4}>
        {({ data }) => (
          <Stack gap="xs" component="ul" p={0} m={0} style={{ listStyle: 'none' }}>
            {data.length === 0 ? (
              <Text component="li" size="sm" c="dimmed">
                {t('referral.noneHere')}
              </Text>
            ) : null}
            {data.map((referral) => (
              <Card key={referral.id} referral={referral} more={actionsOf(referral)} />
            ))}
            {total !== undefined && total > data.length ? (
              <Text component="li" size="sm">
                <NameLink
                  to={`/referrals?${new URLSearchParams({ ...filter, stage }).toString()}`}
                  name={t('referral.allHere', { count: total })}
                />
              </Text>
            ) : null}
          </Stack>
        )}
      </Loaded>
    </Paper>
  );
}

function Card({ referral, more }: { readonly referral: Referral; readonly more: readonly RowAction[] }): ReactElement {
  const { t } = useTranslation();
  const open = referral.checks.filter((check) => check.required && check.status === 'waiting');
  return (
    <Paper withBorder p="xs" component="li" data-referral={referral.id}>
      <Group justify="space-between" wrap="nowrap" align="flex-start" gap="xs">
        <Stack gap={2} style={{ overflowWrap: 'anywhere' }}>
          <NameLink to={`/referrals/${referral.id}`} name={customerOf(referral)} />
          <Text size="sm">
            <AffiliateName id={referral.affiliateId} />
          </Text>
        </Stack>
        <DecisionMenu
          row={customerOf(referral)}
          path={`/v1/referrals/${referral.id}`}
          actions={referral.allowedActions}
          more={more}
        />
      </Group>
      <Group gap="xs" mt={4}>
        <StatusPill status={referral.status} objectId={referral.id} />
        <MoneyList values={referral.value ?? []} />
        {referral.flags.map((flag) => (
          <Badge key={flag.code} variant="outline" color="red" tt="none">
            {t(`riskCode.${flag.code}`)}
          </Badge>
        ))}
      </Group>
      {open.length === 0 ? null : (
        <Text size="sm">{open.map((check) => `${t(`check.${check.kind}`)}: ${t('status.waiting')}`).join(', ')}</Text>
      )}
      {referral.dueAt === null ? null : (
        <Text size="sm" c="dimmed">
          {t('referral.due')}: <DateText value={referral.dueAt} relative />
        </Text>
      )}
    </Paper>
  );
}
