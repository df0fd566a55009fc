import { Code, Drawer, List, Skeleton, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactElement, ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { getCommissionsByCommissionIdExplanationOptions } from '../client/@tanstack/react-query.gen.js';
import type { GetCommissionsByCommissionIdExplanationResponse } from '../client/types.gen.js';
import { DateText } from './DateText.js';
import { ErrorView } from './ErrorView.js';
import { formatRate, type Money, MoneyText } from './MoneyText.js';
import { humanize } from './StatusPill.js';
import { useReasonText } from './texts.js';

// The parts of an explanation that a line keeps from its making; the API's document leaves them open, because older lines may lack some.
interface Rule {
  readonly id: string;
  readonly name?: string;
  readonly version: number;
  readonly scope: string;
  readonly level: number;
  readonly ratePpm: number | null;
  readonly flat: Money | null;
  readonly considered?: readonly {
    readonly ruleId: string;
    readonly scope: string;
    readonly won: boolean;
    readonly code: string | null;
  }[];
}
interface Parts {
  readonly cause?: {
    readonly type: string;
    readonly id?: string;
    readonly externalId?: string | null;
    readonly occurredAt?: string | null;
  };
  readonly attribution?: {
    readonly referrerChoice: string;
    readonly candidates: readonly {
      readonly clickId: string | null;
      readonly affiliateId: string | null;
      readonly at: string | null;
      readonly won: boolean;
      readonly code: string | null;
    }[];
  } | null;
  readonly split?: { readonly shares: readonly { readonly amount: Money }[] } | null;
  readonly rules?: readonly Rule[];
  readonly inputs?: readonly {
    readonly base: Money;
    readonly ratePpm: number | null;
    readonly flat?: Money | null;
    readonly ordinal?: number | null;
    readonly bandFrom?: string | null;
  }[];
  readonly notStated?: readonly string[];
  readonly cap?: { readonly amount: Money; readonly before: Money; readonly left: Money } | null;
  readonly exact?: { readonly numerator: string; readonly denominator: string };
  readonly rounded?: Money;
  readonly adjustments?: readonly {
    readonly commissionId: string;
    readonly amount: Money;
    readonly reason: string | null;
  }[];
  readonly reversals?: readonly {
    readonly commissionId: string;
    readonly event: string;
    readonly reasonCode?: string | null;
    readonly amount?: Money;
    readonly at: string;
  }[];
}

/** Why this amount: inputs, rule and version, exact fraction, rounding, what came later and the rules that did not win (screens.md 3.10). */
export function ExplainDrawer({
  commissionId,
  onClose,
}: {
  readonly commissionId: string | null;
  readonly onClose: () => void;
}): ReactElement {
  const { t } = useTranslation();
  return (
    <Drawer
      opened={commissionId !== null}
      onClose={onClose}
      position="right"
      size="md"
      title={t('explain.title')}
      closeButtonProps={{ 'aria-label': t('close') }}
    >
      {commissionId === null ? null : <Explanation commissionId={commissionId} />}
    </Drawer>
  );
}

export function Explanation({ commissionId }: { readonly commissionId: string }): ReactElement {
  const { t } = useTranslation();
  const { data, error, refetch } = useQuery(getCommissionsByCommissionIdExplanationOptions({ path: { commissionId } }));
  if (error !== null)
    return (
      <ErrorView
        error={error}
        onRetry={() => {
          refetch().catch(() => undefined); // shown by the query itself
        }}
      />
    );
  if (data === undefined) return <Skeleton height={240} aria-label={t('loading')} />;
  return <ExplanationView data={data} />;
}

/** The same panel for staff and for the affiliate: what the affiliate may not see is not in its answer (screens.md 3.10). */
export function ExplanationView({
  data,
}: {
  readonly data: GetCommissionsByCommissionIdExplanationResponse;
}): ReactElement {
  const { t } = useTranslation();
  const reason = useReasonText();
  const parts = data as typeof data & Parts;
  return (
    <Stack gap="md">
      <Text fw={500}>{data.sentence}</Text>
      <Part title={t('explain.net')}>
        <MoneyText value={data.net} />
      </Part>
      <Cause cause={parts.cause} />
      <Credit attribution={parts.attribution} />
      <Part title={t('explain.inputs')} hasAny={(parts.inputs ?? []).length > 0}>
        <List size="sm">
          {(parts.inputs ?? []).map((input, index) => (
            <List.Item key={index}>
              <MoneyText value={input.base} />
              {input.ratePpm === null ? null : ` × ${formatRate(input.ratePpm)}`}
              {input.flat == null ? null : (
                <>
                  {' → '}
                  <MoneyText value={input.flat} />
                </>
              )}
              {input.bandFrom == null ? null : ` · ${t('explain.band', { from: input.bandFrom })}`}
              {input.ordinal == null ? null : ` · ${t('explain.ordinal', { number: input.ordinal })}`}
            </List.Item>
          ))}
        </List>
        {(parts.notStated ?? []).length === 0 ? null : (
          <Text size="sm" c="dimmed">
            {t('explain.notStated', {
              parts: (parts.notStated ?? []).map((part) => t(`explain.part.${part}`)).join(', '),
            })}
          </Text>
        )}
      </Part>
      <Part title={t('explain.rules')} hasAny={(parts.rules ?? []).length > 0}>
        {(parts.rules ?? []).map((rule) => (
          <Stack key={`${rule.id}-${rule.version}`} gap={4}>
            <Text size="sm">
              {t('explain.rule', {
                name: rule.name ?? rule.id,
                version: rule.version,
                scope: humanize(rule.scope),
                level: rule.level,
              })}
              {rule.ratePpm === null ? null : ` · ${formatRate(rule.ratePpm)}`}{' '}
              {rule.flat === null ? null : <MoneyText value={rule.flat} />}
            </Text>
            <List size="sm">
              {(rule.considered ?? [])
                .filter((other) => !other.won)
                .map((other) => (
                  <List.Item key={`${other.ruleId}-${other.scope}`}>
                    {t('explain.lost', { rule: other.ruleId, scope: humanize(other.scope) })}
                    {other.code === null ? '' : `: ${reason(other.code)}`}
                  </List.Item>
                ))}
            </List>
          </Stack>
        ))}
      </Part>
      {parts.exact === undefined ? null : (
        <Part title={t('explain.rounding')}>
          <Text size="sm">
            <Code>
              {parts.exact.numerator}/{parts.exact.denominator}
            </Code>{' '}
            → <MoneyText value={parts.rounded} />
          </Text>
          <Text size="sm" c="dimmed">
            {t('explain.halfAway')}
          </Text>
        </Part>
      )}
      <Part title={t('explain.split')} hasAny={(parts.split?.shares ?? []).length > 0}>
        <List size="sm">
          {(parts.split?.shares ?? []).map((share, index) => (
            <List.Item key={index}>
              <MoneyText value={share.amount} />
            </List.Item>
          ))}
        </List>
      </Part>
      {parts.cap == null ? null : (
        <Part title={t('explain.cap')}>
          <Text size="sm">
            <MoneyText value={parts.cap.amount} /> − <MoneyText value={parts.cap.before} /> →{' '}
            <MoneyText value={parts.cap.left} />
          </Text>
          <Text size="sm" c="dimmed">
            {t('explain.capText')}
          </Text>
        </Part>
      )}
      {(parts.reversals ?? []).length + (parts.adjustments ?? []).length === 0 ? null : (
        <Part title={t('explain.later')}>
          <List size="sm">
            {(parts.adjustments ?? []).map((one) => (
              <List.Item key={one.commissionId}>
                <MoneyText value={one.amount} /> {one.reason ?? ''}
              </List.Item>
            ))}
            {(parts.reversals ?? []).map((one) => (
              <List.Item key={`${one.commissionId}-${one.at}`}>
                <DateText value={one.at} /> {t(`event.${one.event}`, { defaultValue: humanize(one.event) })}{' '}
                {one.reasonCode === null || one.reasonCode === undefined ? '' : reason(one.reasonCode)}{' '}
                {one.amount === undefined ? null : <MoneyText value={one.amount} />}
              </List.Item>
            ))}
          </List>
        </Part>
      )}
      <Part title={t('explain.postings')} hasAny={data.transferIds.length > 0}>
        <List size="sm">
          {data.transferIds.map((id) => (
            <List.Item key={id}>
              <Code>{id}</Code>
            </List.Item>
          ))}
        </List>
      </Part>
    </Stack>
  );
}

/** The event that earned it; of a recruit's sale an affiliate learns its kind only. */
function Cause({ cause }: { readonly cause: Parts['cause'] }): ReactElement | null {
  const { t } = useTranslation();
  if (cause === undefined) return null;
  const name = cause.externalId ?? cause.id;
  return (
    <Part title={t('explain.cause')}>
      <Text size="sm">
        {humanize(cause.type)} {name === undefined ? null : <Code>{name}</Code>}{' '}
        {cause.occurredAt == null ? null : <DateText value={cause.occurredAt} />}
      </Text>
    </Part>
  );
}

/** Whom it was credited to, down to the click, and who was considered beside: an affiliate sees its own touches. */
function Credit({ attribution }: { readonly attribution: Parts['attribution'] }): ReactElement | null {
  const { t } = useTranslation();
  const reason = useReasonText();
  if (attribution == null) return null;
  return (
    <Part title={t('explain.credit')}>
      <Text size="sm">{humanize(attribution.referrerChoice)}</Text>
      <List size="sm">
        {attribution.candidates.map((one, index) => (
          <List.Item key={one.clickId ?? index}>
            {t(one.won ? 'explain.won' : 'explain.notWon')}{' '}
            {one.affiliateId === null ? null : <Code>{one.affiliateId}</Code>}{' '}
            {one.clickId === null ? null : <Code>{one.clickId}</Code>}{' '}
            {one.at === null ? null : <DateText value={one.at} />}
            {one.code === null ? '' : ` ${reason(one.code)}`}
          </List.Item>
        ))}
      </List>
    </Part>
  );
}

/** A part of the explanation under its title; nothing at all when there is nothing to say in it. */
function Part({
  title,
  hasAny = true,
  children,
}: {
  readonly title: string;
  readonly hasAny?: boolean;
  readonly children: ReactNode;
}): ReactElement | null {
  if (!hasAny) return null;
  return (
    <Stack gap={4} component="section">
      <Title order={3} size="h5">
        {title}
      </Title>
      {children}
    </Stack>
  );
}
