import { Alert, List } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useQueryClient } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { useReasonText } from './texts.js';

/** Codes that only a look at the page has; the others are reason codes. */
const pageCodes: ReadonlySet<string> = new Set([
  'destination_unreachable',
  'destination_private',
  'script_missing',
  'published_links_break',
  'no_link',
  'link_unknown',
]);

/** What a look at the destination warns of, in words. */
function useWarningText(): (code: string) => string {
  const { t } = useTranslation();
  const reason = useReasonText();
  return (code) => (pageCodes.has(code) ? t(`link.warning.${code}`) : reason(code));
}

export function Warnings({
  warnings,
}: {
  readonly warnings: readonly { readonly code: string }[];
}): ReactElement | null {
  const { t } = useTranslation();
  const text = useWarningText();
  if (warnings.length === 0) return null;
  return (
    <Alert variant="outline" color="amber" c="var(--mantine-color-text)" title={t('link.warnings')}>
      <List size="sm">
        {warnings.map(({ code }) => (
          <List.Item key={code}>{text(code)}</List.Item>
        ))}
      </List>
    </Alert>
  );
}

/**
 * Looks at the page that a link was just saved with, by the call of the console or of the portal, and says what is wrong with it (LNK-09): the link is saved whatever comes of it, and a look
 * that fails by itself is repeated by the periodic check.
 */
export function useDestinationLook(
  check: (linkId: string) => Promise<{ readonly warnings: readonly { readonly code: string }[] }>,
): (linkId: string) => Promise<void> {
  const { t } = useTranslation();
  const text = useWarningText();
  const queries = useQueryClient();
  return async (linkId) => {
    try {
      const { warnings } = await check(linkId);
      if (warnings.length > 0)
        notifications.show({
          title: t('link.warnings'),
          message: warnings.map(({ code }) => text(code)).join(' · '),
          color: 'amber',
          autoClose: false,
        });
      await queries.invalidateQueries();
    } catch {
      notifications.show({ message: t('link.notLooked') });
    }
  };
}
