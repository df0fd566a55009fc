import { Button, Group, Paper, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import {
  getAffiliatesByAffiliateIdPayoutMethodsOptions,
  getGroupsByGroupIdOptions,
  getSettingsOptions,
} from '../../../client/@tanstack/react-query.gen.js';
import { patchAffiliatesByAffiliateId } from '../../../client/sdk.gen.js';
import type { Affiliate } from '../../../client/types.gen.js';
import { DecisionButtons } from '../../../kit/DecisionButtons.js';
import { FormDialog } from '../../../kit/FormDialog.js';
import { Facts } from '../../../kit/Facts.js';
import { Loaded } from '../../../kit/Loaded.js';
import { type Money, MoneyList } from '../../../kit/MoneyText.js';
import { useCan } from '../../../kit/session.js';
import { StatusPill } from '../../../kit/StatusPill.js';
import { SettingInput } from '../access/settingInput.js';

/** From which amount on this affiliate is paid, per scope that may say so (PAY-01), and the methods it is paid by. */
export function PayoutSettings({ affiliate }: { readonly affiliate: Affiliate }): ReactElement {
  const { t } = useTranslation();
  const can = useCan();
  const [isChanging, setChanging] = useState(false);
  const { groupId } = affiliate;
  const group = useQuery({
    ...getGroupsByGroupIdOptions({ path: { groupId: groupId ?? '' } }),
    enabled: groupId !== null && can('group.read'),
  });
  const settings = useQuery({ ...getSettingsOptions(), enabled: can('settings.read') });
  const methods = useQuery(
    getAffiliatesByAffiliateIdPayoutMethodsOptions({ path: { affiliateId: affiliate.id }, query: { limit: 100 } }),
  );
  const listed = (amounts: readonly Money[] | undefined): ReactElement | null =>
    amounts === undefined || amounts.length === 0 ? null : <MoneyList values={amounts} />;
  return (
    <Stack>
      <Paper withBorder p="md" component="section" aria-label={t('threshold.title')}>
        <Group justify="space-between" mb="xs">
          <Title order={2} size="h4">
            {t('threshold.title')}
          </Title>
          {can('affiliate.write') ? (
            <Button size="compact-sm" variant="default" onClick={() => setChanging(true)}>
              {t('threshold.change')}
            </Button>
          ) : null}
        </Group>
        <Facts
          rows={[
            [t('threshold.own'), listed(affiliate.minimumPayout)],
            ...(groupId === null || !can('group.read')
              ? []
              : [[t('threshold.group', { name: group.data?.name ?? '' }), listed(group.data?.minimumPayout)] as const]),
            ...(can('settings.read')
              ? [
                  [
                    t('threshold.workspace'),
                    listed(settings.data?.payouts['minimumPayout'] as readonly Money[] | undefined),
                  ] as const,
                ]
              : []),
          ]}
        />
        <Text size="sm" c="dimmed" mt="xs">
          {t('threshold.order')}
        </Text>
      </Paper>
      <Paper withBorder p="md" component="section" aria-label={t('threshold.methods')}>
        <Title order={2} size="h4" mb="xs">
          {t('threshold.methods')}
        </Title>
        <Loaded query={methods}>
          {({ data }) =>
            data.length === 0 ? (
              <Text c="dimmed">{t('threshold.noMethod')}</Text>
            ) : (
              <Stack gap="xs">
                {data.map((method) => (
                  <Group key={method.id} justify="space-between">
                    <Group gap="sm">
                      <Text
                        span
                        size="sm"
                      >{`${t(`method.${method.type}`)} · ${method.currency} · ${method.masked}`}</Text>
                      <StatusPill status={method.status} objectId={method.id} />
                    </Group>
                    <DecisionButtons
                      path={`/v1/payout-methods/${method.id}`}
                      actions={method.allowedActions}
                      size="compact-sm"
                    />
                  </Group>
                ))}
              </Stack>
            )
          }
        </Loaded>
      </Paper>
      {isChanging ? <ThresholdForm affiliate={affiliate} onClose={() => setChanging(false)} /> : null}
    </Stack>
  );
}

function ThresholdForm({
  affiliate,
  onClose,
}: {
  readonly affiliate: Affiliate;
  readonly onClose: () => void;
}): ReactElement {
  const { t } = useTranslation();
  const [amounts, setAmounts] = useState<readonly Money[]>(affiliate.minimumPayout);
  return (
    <FormDialog
      title={t('threshold.change')}
      submit={t('desk.save')}
      save={() =>
        patchAffiliatesByAffiliateId({
          path: { affiliateId: affiliate.id },
          body: { minimumPayout: [...amounts] },
          headers: { 'If-Match': `"${affiliate.version}"` } as never,
          throwOnError: true,
        })
      }
      onClose={onClose}
    >
      {(errors) => (
        <SettingInput
          field={{ name: 'minimumPayout', kind: 'amounts' }}
          label={t('threshold.own')}
          hint={t('threshold.hint')}
          value={amounts}
          isReadOnly={false}
          error={Object.entries(errors).find(([name]) => name.startsWith('minimumPayout'))?.[1]}
          onChange={(next) => setAmounts(next as readonly Money[])}
        />
      )}
    </FormDialog>
  );
}
