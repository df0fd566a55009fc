import { Button, List, Modal, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getCommissionRulesByRuleIdVersionsOptions } from '../../../client/@tanstack/react-query.gen.js';
import { Loaded } from '../../../kit/Loaded.js';
import { useCan } from '../../../kit/session.js';
import { type Rule, RuleScope, RuleSentence } from './ruleSentence.js';

interface Used {
  readonly ruleId: string;
  readonly ruleVersion: number;
}

/** The rules that made a commission, each in the version of then: a version stays readable whatever the rule says today (RUL-14). */
export function UsedRules({ parts }: { readonly parts: readonly Used[] }): ReactElement | null {
  const { t } = useTranslation();
  const mayRead = useCan()('rule.read');
  const [shown, setShown] = useState<Used | null>(null);
  const used = parts.filter(
    (one, index) =>
      parts.findIndex((other) => other.ruleId === one.ruleId && other.ruleVersion === one.ruleVersion) === index,
  );
  if (!mayRead || used.length === 0) return null;
  return (
    <>
      <List listStyleType="none">
        {used.map((one) => (
          <List.Item key={`${one.ruleId} ${one.ruleVersion}`}>
            <Button variant="default" size="compact-sm" onClick={() => setShown(one)}>
              {t('rule.openVersion', { version: one.ruleVersion })}
            </Button>
          </List.Item>
        ))}
      </List>
      {shown === null ? null : <VersionDialog used={shown} onClose={() => setShown(null)} />}
    </>
  );
}

function VersionDialog({ used, onClose }: { readonly used: Used; readonly onClose: () => void }): ReactElement {
  const { t } = useTranslation();
  const query = useQuery(getCommissionRulesByRuleIdVersionsOptions({ path: { ruleId: used.ruleId } }));
  return (
    <Modal
      opened
      onClose={onClose}
      title={t('rule.openVersion', { version: used.ruleVersion })}
      closeButtonProps={{ 'aria-label': t('close') }}
    >
      <Loaded query={query}>
        {({ data }) => {
          const rule = data.find((one) => one.version === used.ruleVersion);
          return rule === undefined ? (
            <Text c="dimmed">{t('rule.noVersion')}</Text>
          ) : (
            <Stack gap="xs">
              <Text fw={500}>{rule.name}</Text>
              <RuleScope rule={rule} />
              <RuleSentence rule={rule} />
            </Stack>
          );
        }}
      </Loaded>
    </Modal>
  );
}

/** Each version of a rule as the sentence it was, newest first: what changed is read by comparing two (screens.md 3.9). */
export function RuleVersions({ rule }: { readonly rule: Pick<Rule, 'id' | 'name'> }): ReactElement {
  const { t } = useTranslation();
  const [isOpen, setOpen] = useState(false);
  const query = useQuery({
    ...getCommissionRulesByRuleIdVersionsOptions({ path: { ruleId: rule.id } }),
    enabled: isOpen,
  });
  return (
    <>
      <Button variant="default" size="compact-sm" mt="sm" onClick={() => setOpen(true)}>
        {t('rule.versions')}
      </Button>
      {isOpen ? (
        <Modal
          opened
          onClose={() => setOpen(false)}
          title={t('rule.versionsOf', { name: rule.name })}
          closeButtonProps={{ 'aria-label': t('close') }}
        >
          <Loaded query={query}>
            {({ data }) => (
              <Stack>
                {data.map((one) => (
                  <Stack
                    key={one.version}
                    gap={2}
                    role="group"
                    aria-label={t('rule.openVersion', { version: one.version })}
                  >
                    <RuleScope rule={one} />
                    <RuleSentence rule={one} />
                  </Stack>
                ))}
              </Stack>
            )}
          </Loaded>
        </Modal>
      ) : null}
    </>
  );
}
