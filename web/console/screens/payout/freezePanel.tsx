import { Button, Group, List, Paper, Text, Textarea, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getPayoutFreezeOptions } from '../../../client/@tanstack/react-query.gen.js';
import { putPath } from '../../../kit/api.js';
import { DateText } from '../../../kit/DateText.js';
import { FormDialog } from '../../../kit/FormDialog.js';
import { Loaded } from '../../../kit/Loaded.js';
import { useCan } from '../../../kit/session.js';
import { useWithStepUp } from '../../../kit/stepUp.js';

interface Wish {
  readonly frozen: boolean;
  /** Null: all payouts of the workspace. */
  readonly gatewayId: string | null;
}

/** Whether anything is paid at all, why not, and the way to stop and to go on (screens.md 3.24; api.md 10.1). */
export function FreezePanel(): ReactElement {
  const { t } = useTranslation();
  const mayFreeze = useCan()('payout.approve');
  const [wish, setWish] = useState<Wish | null>(null);
  const freeze = useQuery({ ...getPayoutFreezeOptions(), refetchInterval: 30_000 });
  return (
    <Paper withBorder p="md" component="section" aria-label={t('freeze.title')}>
      <Title order={2} size="h4" mb="xs">
        {t('freeze.title')}
      </Title>
      <Loaded query={freeze} lines={2}>
        {({ reasons }) => (
          <>
            {reasons.length === 0 ? <Text size="sm">{`✓ ${t('freeze.none')}`}</Text> : null}
            <List size="sm">
              {reasons.map((one) => (
                <List.Item key={`${one.scope} ${one.gatewayId ?? ''} ${one.at} ${one.reason ?? ''}`}>
                  {`✕ ${t(`freeze.scope.${one.scope}`, { gateway: one.gatewayId ?? '' })}`}
                  {one.reason === null ? '' : `: ${one.reason}`} · <DateText value={one.at} />{' '}
                  {/* What a restored backup froze ends when the provider's list was read in, by nobody's word. */}
                  {mayFreeze && one.scope !== 'installation' && one.reason?.startsWith('restore_fence') !== true ? (
                    <Button
                      size="compact-sm"
                      variant="default"
                      onClick={() => setWish({ frozen: false, gatewayId: one.gatewayId })}
                    >
                      {t('freeze.end')}
                    </Button>
                  ) : null}
                </List.Item>
              ))}
            </List>
            {mayFreeze && !reasons.some((one) => one.scope === 'workspace') ? (
              <Group mt="sm">
                <Button variant="default" size="sm" onClick={() => setWish({ frozen: true, gatewayId: null })}>
                  {t('freeze.begin')}
                </Button>
              </Group>
            ) : null}
          </>
        )}
      </Loaded>
      {wish === null ? null : <FreezeDialog wish={wish} onClose={() => setWish(null)} />}
    </Paper>
  );
}

function FreezeDialog({ wish, onClose }: { readonly wish: Wish; readonly onClose: () => void }): ReactElement {
  const { t } = useTranslation();
  const withStepUp = useWithStepUp();
  const [reason, setReason] = useState('');
  const what = wish.frozen ? 'begin' : 'end';
  return (
    <FormDialog
      title={t(`freeze.${what}`)}
      submit={t(`freeze.${what}Do`)}
      save={() => withStepUp(() => putPath('/v1/payout-freeze', { ...wish, reason: reason.trim() }))}
      onClose={onClose}
      isReady={reason.trim() !== ''}
    >
      {(errors) => (
        <>
          <Text size="sm">{t(`freeze.${what}Text`)}</Text>
          <Textarea
            label={t('freeze.reason')}
            value={reason}
            error={errors['reason']}
            maxLength={500}
            required
            onChange={(event) => setReason(event.currentTarget.value)}
          />
        </>
      )}
    </FormDialog>
  );
}
