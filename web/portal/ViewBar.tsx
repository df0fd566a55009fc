import { Box, Button, Group, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { DateText } from '../kit/DateText.js';
import { useMe, useSignOut } from '../kit/session.js';

/** Staff who look at a portal read on each page whose it is, until when, and that nothing can be changed (screens.md 2). */
export function ViewBar(): ReactElement | null {
  const { t } = useTranslation();
  const { viewing } = useMe();
  const end = useMutation({ mutationFn: useSignOut() });
  if (viewing === null) return null;
  return (
    <Box
      role="status"
      p="xs"
      mb="sm"
      style={{ background: 'light-dark(#fae8ff, #4a044e)', color: 'light-dark(#701a75, #fae8ff)' }}
    >
      <Group gap="xs">
        <Text span size="sm">
          {t('view.bar', { name: viewing.affiliate.name })} <DateText value={viewing.until} />
        </Text>
        <Button size="compact-sm" variant="default" loading={end.isPending} onClick={() => end.mutate()}>
          {t('view.end')}
        </Button>
      </Group>
    </Box>
  );
}
