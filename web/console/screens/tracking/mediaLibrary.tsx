import { Button, FileButton, Group, Image, Modal, Paper, SimpleGrid, Stack, Text, UnstyledButton } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { getMediaOptions } from '../../../client/@tanstack/react-query.gen.js';
import { deleteMediaByMediaId, postMedia } from '../../../client/sdk.gen.js';
import type { Media } from '../../../client/types.gen.js';
import { ErrorView } from '../../../kit/ErrorView.js';
import { Loaded } from '../../../kit/Loaded.js';
import { useCan } from '../../../kit/session.js';

const types = 'image/png,image/jpeg,image/webp,image/gif';

/** The images of the workspace: to choose one from, or to upload and delete (LNK-18). */
export function MediaLibrary({
  onChoose,
  onClose,
}: {
  readonly onChoose?: (media: Media) => void;
  readonly onClose: () => void;
}): ReactElement {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const mayWrite = useCan()('link.write');
  const images = useQuery(getMediaOptions({ query: { limit: 200 } }));
  const upload = useMutation({
    mutationFn: async (file: File) => (await postMedia({ body: { file }, throwOnError: true })).data,
    onSuccess: (media) => {
      onChoose?.(media);
      return queries.invalidateQueries();
    },
  });
  const remove = useMutation({
    mutationFn: (media: Media) => deleteMediaByMediaId({ path: { mediaId: media.id }, throwOnError: true }),
    onSuccess: () => queries.invalidateQueries(),
  });
  return (
    <Modal opened onClose={onClose} title={t('media.title')} size="lg" closeButtonProps={{ 'aria-label': t('close') }}>
      <Stack>
        <Text size="sm">{t('media.text')}</Text>
        {mayWrite ? (
          <FileButton
            accept={types}
            inputProps={{ 'aria-label': t('media.upload') }}
            onChange={(file) => {
              if (file !== null) upload.mutate(file);
            }}
          >
            {(props) => (
              <Button {...props} loading={upload.isPending} style={{ alignSelf: 'flex-start' }}>
                {t('media.upload')}
              </Button>
            )}
          </FileButton>
        ) : null}
        {[upload.error, remove.error].map((error, index) =>
          error === null ? null : <ErrorView key={index === 0 ? 'upload' : 'remove'} error={error} />,
        )}
        <Loaded query={images} lines={4}>
          {({ data }) =>
            data.length === 0 ? (
              <Text>{t('media.none')}</Text>
            ) : (
              <SimpleGrid cols={{ base: 1, xs: 2, sm: 3 }}>
                {data.map((media) => (
                  <Paper key={media.id} withBorder p="xs">
                    <Stack gap={4}>
                      {onChoose === undefined ? (
                        <Image src={pathOf(media)} alt={media.name} h={120} fit="contain" />
                      ) : (
                        <UnstyledButton onClick={() => onChoose(media)} aria-label={media.name}>
                          <Image src={pathOf(media)} alt="" h={120} fit="contain" />
                        </UnstyledButton>
                      )}
                      <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
                        {media.name}
                      </Text>
                      <Text size="sm" c="dimmed">
                        {t('media.size', { width: media.width, height: media.height })}
                      </Text>
                      {onChoose === undefined && mayWrite ? (
                        <Group>
                          <Button
                            size="compact-sm"
                            variant="default"
                            onClick={() => remove.mutate(media)}
                            aria-label={t('media.remove', { name: media.name })}
                          >
                            {t('domain.remove')}
                          </Button>
                        </Group>
                      ) : null}
                    </Stack>
                  </Paper>
                ))}
              </SimpleGrid>
            )
          }
        </Loaded>
      </Stack>
    </Modal>
  );
}

/** From our own origin, whatever domain the workspace prints: the console's content policy asks for nothing else. */
export function pathOf(picture: { readonly url: string }): string {
  return new URL(picture.url).pathname;
}
