import { Button, Group, Paper, Text } from '@mantine/core';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import type { BulkAction } from './BulkDialog.js';

/** What may be done with the selected rows of a list; `all` offers the rows of the other pages where there are such. */
export function SelectionBar({
  count,
  all,
  bulk,
  onRun,
  onForget,
}: {
  readonly count: number;
  readonly all: { readonly count: number; readonly select: () => void } | undefined;
  readonly bulk: readonly BulkAction[];
  readonly onRun: (action: BulkAction) => void;
  readonly onForget: () => void;
}): ReactElement {
  const { t } = useTranslation();
  return (
    <Paper withBorder p="xs" role="region" aria-label={t('list.selection')}>
      <Group gap="xs">
        <Text size="sm" fw={500}>
          {t('list.selected', { count })}
        </Text>
        {all === undefined ? null : (
          <Button size="compact-sm" variant="default" onClick={all.select}>
            {t('list.selectAll', { count: all.count })}
          </Button>
        )}
        {bulk.map((action) => (
          <Button
            key={action.kind}
            size="compact-sm"
            variant={action.needsReason ? 'default' : 'filled'}
            onClick={() => onRun(action)}
          >
            {`${t(`action.${action.verb}`)} (${count})`}
          </Button>
        ))}
        <Button size="compact-sm" variant="default" onClick={onForget}>
          {t('list.selectNone')}
        </Button>
      </Group>
    </Paper>
  );
}
