import { ActionIcon, Menu } from '@mantine/core';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';

export interface RowAction {
  readonly key: string;
  readonly text: string;
  readonly onPress: () => void;
  /** Takes something away: marked by colour beside its own words. */
  readonly isNegative?: boolean;
  readonly isBusy?: boolean;
}

/** The one menu of a row's actions, the same on every list: by mouse, or Enter and arrow keys (screens.md 1.1, ADM-10). None: no menu. */
export function RowMenu({
  row,
  actions,
}: {
  /** The row in a few words, for screen readers. */
  readonly row: string;
  readonly actions: readonly RowAction[];
}): ReactElement | null {
  const { t } = useTranslation();
  if (actions.length === 0) return null;
  return (
    <Menu position="bottom-end" withArrow>
      <Menu.Target>
        <ActionIcon
          variant="default"
          loading={actions.some((action) => action.isBusy === true)}
          aria-label={t('list.actionsOf', { row })}
        >
          <span aria-hidden="true">⋯</span>
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {actions.map((action) => (
          <Menu.Item
            key={action.key}
            data-action={action.key}
            onClick={action.onPress}
            {...(action.isNegative === true ? { c: 'var(--mantine-color-error)' } : {})}
          >
            {action.text}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
