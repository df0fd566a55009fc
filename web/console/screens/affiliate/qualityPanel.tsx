import { Paper, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { getAffiliatesByAffiliateIdMetricsOptions } from '../../../client/@tanstack/react-query.gen.js';
import { Facts } from '../../../kit/Facts.js';
import { locale } from '../../../kit/i18n.js';
import { Loaded } from '../../../kit/Loaded.js';

/** The quality of an affiliate over the last thirty days (FRD-05). */
export function QualityPanel({ affiliateId }: { readonly affiliateId: string }): ReactElement {
  const { t } = useTranslation();
  const query = useQuery(getAffiliatesByAffiliateIdMetricsOptions({ path: { affiliateId } }));
  const share = (millionths: number | null): string =>
    millionths === null
      ? '–'
      : new Intl.NumberFormat(locale(), { style: 'percent', maximumFractionDigits: 1 }).format(millionths / 1_000_000);
  return (
    <Paper withBorder p="md" component="section" aria-label={t('quality.title')}>
      <Title order={2} size="h4" mb="xs">
        {t('quality.title')}
      </Title>
      <Loaded query={query} lines={3}>
        {(one) => (
          <>
            <Text size="sm" c="dimmed">
              {t('quality.range', { from: one.from, to: one.to, zone: one.timeZone })}
            </Text>
            <Facts
              rows={[
                [
                  t('quality.accepted'),
                  t('quality.of', { part: one.accepted, whole: one.leads, share: share(one.acceptRate) }),
                ],
                [
                  t('quality.refunded'),
                  t('quality.of', { part: one.refunds, whole: one.sales, share: share(one.refundShare) }),
                ],
                [
                  t('quality.conversion'),
                  t('quality.of', { part: one.sales, whole: one.clicks, share: share(one.conversionRate) }),
                ],
                [t('quality.flags'), one.flags],
                [t('quality.standard'), one.standard === null ? null : t(`quality.standard.${one.standard}`)],
              ]}
            />
          </>
        )}
      </Loaded>
    </Paper>
  );
}
