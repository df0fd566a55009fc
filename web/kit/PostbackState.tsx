import { Badge, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useQueryClient } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import type { Postback, PostbackDelivery } from '../client/types.gen.js';
import { newKey, postPath } from './api.js';
import { DateText } from './DateText.js';
import { useProblemText } from './ErrorView.js';

/** `http_503` → HTTP 503; why a call never arrived, in words. */
export function useFaultText(): (code: string) => string {
  const { t } = useTranslation();
  return (code) =>
    code.startsWith('http_') ? `HTTP ${code.slice(5)}` : t(`postback.fault.${code}`, { defaultValue: code });
}

/** Is anybody called, and what did the last call say? */
export function PostbackState({ postback }: { readonly postback: Postback }): ReactElement {
  const { t } = useTranslation();
  const why = useFaultText();
  const state = postback.pausedAt === null ? (postback.active ? 'on' : 'off') : 'paused';
  return (
    <Stack gap={2} align="flex-start">
      <Badge variant="default" component="span" data-state={state}>
        {t(`postback.state.${state}`)}
      </Badge>
      {postback.pausedAt === null ? null : (
        <Text size="sm">
          {t('postback.pausedSince')} <DateText value={postback.pausedAt} />
        </Text>
      )}
      {postback.lastCode === null ? null : (
        <Text size="sm">
          {t('postback.lastFailure', { why: why(postback.lastCode), failures: postback.failuresInRow })}
        </Text>
      )}
    </Stack>
  );
}

/** How one call went, in words. */
export function DeliveryState({
  delivery,
}: {
  readonly delivery: Pick<PostbackDelivery, 'status' | 'responseStatus' | 'code' | 'nextTryAt'>;
}): ReactElement {
  const { t } = useTranslation();
  const why = useFaultText();
  return (
    <Stack gap={2} align="flex-start">
      <Badge variant="default" component="span">
        {t(`postback.delivery.${delivery.status}`)}
      </Badge>
      <Text size="sm">
        {[
          delivery.responseStatus === null ? null : `HTTP ${delivery.responseStatus}`,
          delivery.code === null || delivery.code.startsWith('http_') ? null : why(delivery.code),
        ]
          .filter((part) => part !== null)
          .join(' · ')}
      </Text>
      {delivery.nextTryAt === null ? null : (
        <Text size="sm">
          {t('postback.nextTry')} <DateText value={delivery.nextTryAt} />
        </Text>
      )}
    </Stack>
  );
}

/** The button: one call with sample values, whose outcome is told at once and stands in the log. */
export function useTestPostback(): (path: string) => Promise<void> {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const faultText = useFaultText();
  const problemText = useProblemText();
  return async (path) => {
    try {
      const { status, code, responseStatus } = await postPath<PostbackDelivery>(`${path}/test`, {}, newKey());
      const why = code === null ? `HTTP ${responseStatus ?? '–'}` : faultText(code);
      notifications.show(
        status === 'delivered'
          ? { message: t('postback.testTaken', { why }), color: 'river' }
          : { message: t('postback.testFailed', { why }), color: 'red' },
      );
      await queries.invalidateQueries();
    } catch (error) {
      const { title, detail } = problemText(error);
      notifications.show({ title, message: detail, color: 'red' });
    }
  };
}
