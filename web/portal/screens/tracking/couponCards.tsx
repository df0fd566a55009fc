import { Badge, Button, CopyButton, Group, Paper, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { getMeCouponsOptions } from '../../../client/@tanstack/react-query.gen.js';
import { DateText } from '../../../kit/DateText.js';
import { Loaded } from '../../../kit/Loaded.js';

/** Own codes: what customers name instead of following a link (BEY-18). Nothing at all where there are none. */
export function CouponCards(): ReactElement | null {
  const { t } = useTranslation();
  const query = useQuery(getMeCouponsOptions({ query: { limit: 200 } }));
  if (query.data?.data.length === 0) return null;
  return (
    <Stack gap="sm" mt="lg">
      <Title order={2} size="h4">
        {t('coupon.title')}
      </Title>
      <Text size="sm" c="dimmed">
        {t('coupon.text')}
      </Text>
      <Loaded query={query} lines={2}>
        {({ data }) => (
          <Group>
            {data.map((coupon) => (
              <Paper key={coupon.id} withBorder p="sm">
                <Group gap="sm">
                  <Text fw={700}>{coupon.code}</Text>
                  <CopyButton value={coupon.code}>
                    {({ copied, copy }) => (
                      <Button
                        size="compact-sm"
                        variant="default"
                        onClick={copy}
                        aria-label={t('coupon.copy', { code: coupon.code })}
                      >
                        {t(copied ? 'copied' : 'copy')}
                      </Button>
                    )}
                  </CopyButton>
                  {coupon.credits ? null : (
                    <Badge variant="default" component="span">
                      {t('coupon.off')}
                    </Badge>
                  )}
                </Group>
                {coupon.validTo === null ? null : (
                  <Text size="sm">
                    {t('coupon.until')} <DateText value={coupon.validTo} />
                  </Text>
                )}
              </Paper>
            ))}
          </Group>
        )}
      </Loaded>
    </Stack>
  );
}
