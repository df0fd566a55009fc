import { Button, Checkbox, Group, Image, NativeSelect, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getProductGroupsOptions, getProgramsOptions } from '../../../client/@tanstack/react-query.gen.js';
import { deletePromoToolsByToolId, patchPromoToolsByToolId } from '../../../client/sdk.gen.js';
import type { PromoTool } from '../../../client/types.gen.js';
import { postPath } from '../../../kit/api.js';
import { FormDialog } from '../../../kit/FormDialog.js';
import { MediaLibrary, pathOf } from './mediaLibrary.js';

export const toolKinds = ['link', 'banner', 'lightbox', 'email'] as const;
type Kind = (typeof toolKinds)[number];

/** What stands for itself in a tool's text (LNK-12). */
const fields = ['{{link}}', '{{affiliate_name}}', '{{program_name}}', '{{image}}'].join(' ');
const orNull = (text: string): string | null => (text.trim() === '' ? null : text);

/** A new tool, or a change of one (LNK-13 to LNK-18). */
export function PromoToolForm({
  tool,
  onClose,
}: {
  readonly tool: PromoTool | undefined;
  readonly onClose: () => void;
}): ReactElement {
  const { t } = useTranslation();
  const programs = useQuery(getProgramsOptions({ query: { limit: 200 } }));
  const groups = useQuery(getProductGroupsOptions({ query: { limit: 200 } }));
  const [name, setName] = useState(tool?.name ?? '');
  const [kind, setKind] = useState<Kind>(tool?.kind ?? 'banner');
  const [chosen, setProgram] = useState(tool?.programId ?? '');
  const [group, setGroup] = useState(tool?.productGroupId ?? '');
  const [url, setUrl] = useState(tool?.url ?? '');
  const [picture, setPicture] = useState<{ id: string; name: string; url: string } | undefined>(
    tool?.mediaId == null || tool.picture === null
      ? undefined
      : { id: tool.mediaId, name: tool.picture.name, url: tool.picture.url },
  );
  const [html, setHtml] = useState(tool?.html ?? '');
  const [text, setText] = useState(tool?.text ?? '');
  const [campaign, setCampaign] = useState(tool?.campaign ?? '');
  const [ad, setAd] = useState(tool?.ad ?? '');
  const [active, setActive] = useState(tool?.active ?? true);
  const [isChoosing, setChoosing] = useState(false);
  const listed = programs.data?.data ?? [];
  const programId = chosen === '' ? (listed[0]?.id ?? '') : chosen;
  const showsPicture = kind === 'banner' || kind === 'lightbox';
  const save = async (key: string): Promise<void> => {
    const body = {
      name: name.trim(),
      programId,
      productGroupId: orNull(group),
      url: url.trim(),
      mediaId: showsPicture ? (picture?.id ?? null) : null,
      html: orNull(html),
      text: orNull(text),
      campaign: orNull(campaign.trim()),
      ad: orNull(ad.trim()),
      active,
    };
    if (tool === undefined) await postPath('/v1/promo-tools', { ...body, kind }, key);
    else
      await patchPromoToolsByToolId({
        path: { toolId: tool.id },
        headers: { 'If-Match': `"${tool.version}"` } as never,
        body,
        throwOnError: true,
      });
  };
  return (
    <>
      <FormDialog
        title={t(tool === undefined ? 'tool.new' : 'tool.edit')}
        submit={t('tool.save')}
        save={save}
        onClose={onClose}
        isReady={programId !== ''}
        remove={
          tool === undefined
            ? undefined
            : {
                text: t('tool.remove'),
                run: () => deletePromoToolsByToolId({ path: { toolId: tool.id }, throwOnError: true }),
              }
        }
      >
        {(errors) => (
          <>
            <TextInput
              label={t('tool.name')}
              value={name}
              error={errors['name']}
              required
              onChange={(event) => setName(event.currentTarget.value)}
            />
            <NativeSelect
              label={t('tool.kind')}
              value={kind}
              disabled={tool !== undefined}
              data={toolKinds.map((value) => ({ value, label: t(`tool.kind.${value}`) }))}
              onChange={(event) => setKind(event.currentTarget.value as Kind)}
            />
            <Group grow align="flex-start">
              <NativeSelect
                label={t('link.program')}
                value={programId}
                error={errors['programId']}
                data={listed.map((one) => ({ value: one.id, label: one.name }))}
                onChange={(event) => setProgram(event.currentTarget.value)}
              />
              <NativeSelect
                label={t('tool.group')}
                value={group}
                error={errors['productGroupId']}
                data={[
                  { value: '', label: t('tool.noGroup') },
                  ...(groups.data?.data ?? []).map((one) => ({ value: one.id, label: one.name })),
                ]}
                onChange={(event) => setGroup(event.currentTarget.value)}
              />
            </Group>
            <TextInput
              label={t('tool.url')}
              description={t('tool.urlHint')}
              type="url"
              value={url}
              error={errors['url']}
              required
              onChange={(event) => setUrl(event.currentTarget.value)}
            />
            {showsPicture ? (
              <Stack gap={4}>
                <Text size="sm" fw={500}>
                  {t('tool.picture')}
                </Text>
                {picture === undefined ? (
                  <Text size="sm">{t('tool.noPicture')}</Text>
                ) : (
                  <Image src={pathOf(picture)} alt={picture.name} mah={160} fit="contain" />
                )}
                <Button variant="default" onClick={() => setChoosing(true)} style={{ alignSelf: 'flex-start' }}>
                  {t('media.choose')}
                </Button>
                {errors['mediaId'] === undefined ? null : (
                  <Text size="sm" c="var(--mantine-color-error)">
                    {errors['mediaId']}
                  </Text>
                )}
              </Stack>
            ) : null}
            <Textarea
              label={t('tool.html')}
              description={t('tool.fields', { names: fields, interpolation: { escapeValue: false } })}
              value={html}
              error={errors['html']}
              autosize
              minRows={2}
              onChange={(event) => setHtml(event.currentTarget.value)}
            />
            <Textarea
              label={t('tool.plain')}
              value={text}
              error={errors['text']}
              autosize
              minRows={2}
              onChange={(event) => setText(event.currentTarget.value)}
            />
            <Group grow align="flex-start">
              <TextInput
                label={t('tool.campaign')}
                value={campaign}
                error={errors['campaign']}
                onChange={(event) => setCampaign(event.currentTarget.value)}
              />
              <TextInput
                label={t('tool.ad')}
                value={ad}
                error={errors['ad']}
                onChange={(event) => setAd(event.currentTarget.value)}
              />
            </Group>
            <Checkbox
              label={t('tool.active')}
              checked={active}
              onChange={(event) => setActive(event.currentTarget.checked)}
            />
          </>
        )}
      </FormDialog>
      {isChoosing ? (
        <MediaLibrary
          onClose={() => setChoosing(false)}
          onChoose={(media) => {
            setPicture(media);
            setChoosing(false);
          }}
        />
      ) : null}
    </>
  );
}
