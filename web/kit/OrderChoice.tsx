import { ActionIcon, Button, Checkbox, Group, Popover, Stack } from '@mantine/core';
import type { ReactElement, ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

export interface Choosable {
  readonly key: string;
  readonly title: string;
}

/** Show, hide and move columns or cards, by buttons: nothing here needs dragging (WCAG 2.5.7). One always stays. */
export function OrderChoice({
  label,
  choices,
  order,
  onOrder,
  children,
}: {
  readonly label: string;
  readonly choices: readonly Choosable[];
  readonly order: readonly string[];
  readonly onOrder: (next: readonly string[]) => void;
  /** What else is chosen there. */
  readonly children?: ReactNode;
}): ReactElement {
  const { t } = useTranslation();
  const listed = [
    ...order.flatMap((key) => choices.find((one) => one.key === key) ?? []),
    ...choices.filter((one) => !order.includes(one.key)),
  ];
  const move = (key: string): void => {
    const at = order.indexOf(key);
    if (at < 1) return;
    const next = [...order];
    next.splice(at - 1, 0, ...next.splice(at, 1));
    onOrder(next);
  };
  return (
    <Popover position="bottom-end" withArrow trapFocus>
      <Popover.Target>
        <Button size="compact-sm" variant="default">
          {label}
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label={label}>
        <Stack gap="xs">
          {listed.map((one) => (
            <Group key={one.key} justify="space-between" wrap="nowrap">
              <Checkbox
                label={one.title}
                checked={order.includes(one.key)}
                disabled={order.length === 1 && order.includes(one.key)}
                onChange={(event) =>
                  onOrder(event.currentTarget.checked ? [...order, one.key] : order.filter((key) => key !== one.key))
                }
              />
              <ActionIcon
                variant="default"
                disabled={order.indexOf(one.key) < 1}
                aria-label={t('list.moveUp', { column: one.title })}
                onClick={() => move(one.key)}
              >
                ↑
              </ActionIcon>
            </Group>
          ))}
          {children}
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}
