import { Anchor, Button, CopyButton, Group, Text } from '@mantine/core';
import { Link as RouterLink } from '@tanstack/react-router';
import type { TFunction } from 'i18next';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getLinksOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { Link } from '../../../client/types.gen.js';
import { DateText } from '../../../kit/DateText.js';
import { DecisionMenu } from '../../../kit/DecisionButtons.js';
import { useKeys } from '../../../kit/keys.js';
import { MoneyList } from '../../../kit/MoneyText.js';
import { AffiliateName, ProgramName } from '../../../kit/ObjectName.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import type { Column } from '../../../kit/resourceColumns.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';
import { StatusPill } from '../../../kit/StatusPill.js';
import { useReasonText } from '../../../kit/texts.js';
import { DiagnoseDialog } from './linkCheckView.js';
import { LinkForm } from './linkForm.js';
import { LinksForm } from './linksForm.js';

const statuses = ['active', 'disabled', 'expired', 'archived'] as const;
const kinds = ['standard', 'direct', 'recruit'] as const;
const healths = ['ok', 'unknown', 'unreachable', 'untracked'] as const;

/** What each brought in the last thirty days (screens.md 3.11); clicks open their rows, where the sub-ids stand. */
function figureColumns(t: TFunction): readonly Column<Link>[] {
  return [
    {
      key: 'clicks',
      title: t('affiliate.figure.clicks'),
      hint: t('affiliate.figures'),
      align: 'right',
      render: (row) => (
        <Anchor component={RouterLink} to={`/clicks?linkId=${row.id}`} underline="always" inherit>
          {row.figures?.clicks ?? 0}
        </Anchor>
      ),
      csv: 'figures.clicks',
    },
    {
      key: 'visits',
      title: t('link.unique'),
      hint: t('link.uniqueHint'),
      align: 'right',
      render: (row) => row.figures?.visits ?? 0,
      csv: 'figures.visits',
    },
    ...(['leads', 'sales'] as const).map(
      (name): Column<Link> => ({
        key: name,
        title: t(`affiliate.figure.${name}`),
        hint: t('affiliate.figures'),
        align: 'right',
        render: (row) => row.figures?.[name] ?? 0,
        csv: `figures.${name}`,
      }),
    ),
    {
      key: 'earningsPerClick',
      title: t('link.perClick'),
      hint: t('link.perClickHint'),
      align: 'right',
      render: (row) =>
        row.figures === undefined || row.figures.earningsPerClick.length === 0 ? (
          '–'
        ) : (
          <MoneyList values={row.figures.earningsPerClick} />
        ),
      csv: 'figures.earningsPerClick',
    },
    {
      key: 'subIds',
      title: t('link.subIds'),
      hint: t('link.subIdsHint'),
      render: (row) => row.figures?.subIds.join(', ') || '–',
      csv: 'figures.subIds',
    },
  ];
}

/** Links of a workspace, or of one affiliate as a tab of its screen (screens.md 3.11). */
export function LinkTable({ fixed = {} }: { readonly fixed?: Readonly<Record<string, string>> }): ReactElement {
  const { t } = useTranslation();
  const reason = useReasonText();
  const seesFigures = useCan()('report.read');
  return (
    <ResourceTable<Link>
      screen="links"
      {...(seesFigures ? { include: 'figures' } : {})}
      label={t('link.title')}
      hasText
      fixed={fixed}
      list={(query) => getLinksOptions({ query }) as never}
      rowLabel={(row) => row.slug}
      rowHref={(row) => `/links/${row.id}`}
      rowActions={(row) => <DecisionMenu row={row.slug} path={`/v1/links/${row.id}`} actions={row.allowedActions} />}
      empty={{ title: t('link.none'), text: t('link.noneText') }}
      filters={[
        {
          field: 'status',
          label: t('link.status'),
          options: statuses.map((value) => ({ value, label: t(`status.${value}`) })),
        },
        {
          field: 'health',
          label: t('link.health'),
          options: healths.map((value) => ({ value, label: t(`link.health.${value}`) })),
        },
        {
          field: 'kind',
          label: t('link.kind'),
          options: kinds.map((value) => ({ value, label: t(`link.kind.${value}`) })),
        },
        ...('affiliateId' in fixed ? [] : [{ field: 'affiliateId', label: t('commission.filter.affiliateId') }]),
        { field: 'programId', label: t('commission.filter.programId') },
        { field: 'campaign', label: t('link.campaign') },
      ]}
      columns={[
        {
          key: 'slug',
          title: t('link.slug'),
          render: (row) => (
            <>
              <Text span inherit fw={500}>
                {row.slug}
              </Text>{' '}
              <CopyButton value={row.url}>
                {({ copied, copy }) => (
                  <Button
                    size="compact-sm"
                    variant="default"
                    onClick={copy}
                    aria-label={t('link.copy', { link: row.url })}
                  >
                    {t(copied ? 'copied' : 'copy')}
                  </Button>
                )}
              </CopyButton>
            </>
          ),
          csv: 'url',
        },
        {
          key: 'affiliate',
          title: t('link.affiliate'),
          render: (row) => <AffiliateName id={row.affiliateId} />,
          csv: 'affiliateId',
        },
        {
          key: 'program',
          title: t('link.program'),
          render: (row) => <ProgramName id={row.programId} />,
          csv: 'programId',
        },
        {
          key: 'destination',
          title: t('link.destination'),
          render: (row) => row.destinationUrl,
          csv: 'destinationUrl',
        },
        {
          key: 'status',
          title: t('link.status'),
          render: (row) => <StatusPill status={row.status} objectId={row.id} />,
          csv: 'status',
        },
        {
          key: 'credits',
          title: t('link.credits'),
          hint: t('link.creditsHint'),
          render: (row) =>
            row.credits ? t('yes') : `${t('no')}${row.creditCode === null ? '' : `: ${reason(row.creditCode)}`}`,
          csv: 'creditCode',
        },
        {
          key: 'health',
          title: t('link.health'),
          render: (row) => t(`link.health.${row.health}`),
          csv: 'health',
        },
        ...(seesFigures ? figureColumns(t) : []),
        {
          key: 'kind',
          title: t('link.kind'),
          hidden: true,
          render: (row) => t(`link.kind.${row.kind}`),
          csv: 'kind',
        },
        {
          key: 'campaign',
          title: t('link.campaign'),
          hidden: true,
          render: (row) => row.campaign ?? '–',
          csv: 'campaign',
        },
        {
          key: 'createdAt',
          title: t('link.created'),
          sort: 'createdAt',
          hidden: true,
          render: (row) => <DateText value={row.createdAt} />,
          csv: 'createdAt',
        },
      ]}
    />
  );
}

/** Programs → Links (screens.md 3.11). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const mayCreate = useCan()('link.write');
  const [isCreating, setCreating] = useState(false);
  const [isMany, setMany] = useState(false);
  const [isDiagnosing, setDiagnosing] = useState(false);
  useKeys({
    c: () => {
      if (mayCreate) setCreating(true);
    },
  });
  return (
    <>
      <PageHead
        title={t('link.title')}
        text={t('link.text')}
        actions={
          <Group gap="xs">
            <Button variant="default" onClick={() => setDiagnosing(true)}>
              {t('link.diagnose')}
            </Button>
            {mayCreate ? (
              <Button variant="default" onClick={() => setMany(true)}>
                {t('link.many')}
              </Button>
            ) : null}
            {mayCreate ? <Button onClick={() => setCreating(true)}>{t('link.new')}</Button> : null}
          </Group>
        }
      />
      <LinkTable />
      {isCreating ? <LinkForm onClose={() => setCreating(false)} /> : null}
      {isMany ? <LinksForm onClose={() => setMany(false)} /> : null}
      {isDiagnosing ? <DiagnoseDialog onClose={() => setDiagnosing(false)} /> : null}
    </>
  );
}
