import {
  Anchor,
  Badge,
  Button,
  Code,
  CopyButton,
  Group,
  Image,
  NativeSelect,
  Paper,
  Stack,
  Text,
  Title,
} from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getMePromoToolsOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { OwnPromoTool } from '../../../client/types.gen.js';
import { Loaded } from '../../../kit/Loaded.js';
import { PageHead } from '../../../kit/Shell.js';

/** What there is to promote with, each with the own link in it and one tap to copy (PRT-07). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const [group, setGroup] = useState('');
  const query = useQuery(getMePromoToolsOptions({ query: { limit: 200 } }));
  const tools = query.data?.data ?? [];
  const groups = new Map(
    tools.flatMap((tool) =>
      tool.productGroupId === null ? [] : [[tool.productGroupId, tool.productGroupName ?? tool.productGroupId]],
    ),
  );
  return (
    <>
      <PageHead title={t('tool.title')} text={t('tool.text')} />
      <Loaded query={query} lines={6}>
        {({ data }) =>
          data.length === 0 ? (
            <Stack gap={4}>
              <Title order={2} size="h4">
                {t('tool.none')}
              </Title>
              <Text>{t('tool.noneText')}</Text>
            </Stack>
          ) : (
            <Stack>
              {groups.size === 0 ? null : (
                <NativeSelect
                  label={t('tool.group')}
                  value={group}
                  data={[
                    { value: '', label: t('tool.anyGroup') },
                    ...[...groups].map(([value, label]) => ({ value, label })),
                  ]}
                  onChange={(event) => setGroup(event.currentTarget.value)}
                  style={{ alignSelf: 'flex-start' }}
                />
              )}
              {data
                .filter((tool) => group === '' || tool.productGroupId === group)
                .map((tool) => (
                  <Tool key={tool.id} tool={tool} />
                ))}
            </Stack>
          )
        }
      </Loaded>
    </>
  );
}

function Tool({ tool }: { readonly tool: OwnPromoTool }): ReactElement {
  const { t } = useTranslation();
  const { picture, snippet } = tool;
  return (
    <Paper withBorder p="md" component="section" aria-label={tool.name}>
      <Stack gap="sm">
        <Group gap="xs">
          <Title order={2} size="h4">
            {tool.name}
          </Title>
          <Badge variant="default" component="span">
            {t(`tool.kind.${tool.kind}`)}
          </Badge>
          <Text size="sm" c="dimmed">
            {tool.programName}
          </Text>
        </Group>
        {picture === null ? null : (
          <>
            <Image src={new URL(picture.url).pathname} alt={picture.name} mah={250} fit="contain" />
            <Anchor href={new URL(picture.url).pathname} download={picture.name}>
              {t('tool.download', { width: picture.width, height: picture.height })}
            </Anchor>
          </>
        )}
        {snippet === null ? null : (
          <>
            <Part tool={tool.name} what={t('tool.link')} text={snippet.url} />
            {snippet.html === null ? null : <Part tool={tool.name} what={t('tool.html')} text={snippet.html} />}
            {snippet.text === null || snippet.text === snippet.url ? null : (
              <Part tool={tool.name} what={t('tool.plain')} text={snippet.text} />
            )}
          </>
        )}
      </Stack>
    </Paper>
  );
}

function Part({
  tool,
  what,
  text,
}: {
  readonly tool: string;
  readonly what: string;
  readonly text: string;
}): ReactElement {
  const { t } = useTranslation();
  return (
    <Stack gap={4}>
      <Group justify="space-between">
        <Text size="sm" fw={600}>
          {what}
        </Text>
        <CopyButton value={text}>
          {({ copied, copy }) => (
            <Button size="compact-sm" onClick={copy} aria-label={t('tool.copy', { what, tool })}>
              {t(copied ? 'copied' : 'copy')}
            </Button>
          )}
        </CopyButton>
      </Group>
      <Code block style={{ overflowWrap: 'anywhere', whiteSpace: 'pre-wrap' }}>
        {text}
      </Code>
    </Stack>
  );
}
