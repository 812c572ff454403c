import { HeadObjectCommand, S3Client, S3ServiceException, type HeadObjectCommandOutput } from '@aws-sdk/client-s3';

const connectTimeoutMs = 5_000;

export interface S3Connection {
  /** Must exist. */
  readonly bucket: string;
  readonly region?: string;
  /** Another server than Amazon's, e.g. `http://127.0.0.1:7070`. */
  readonly endpoint?: string;
  /** `https://host/bucket/key` in place of `https://bucket.host/key`; what most other servers need. */
  readonly isPathStyle?: boolean;
  /** By default the SDK's chain: environment, profile files, roles. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** Tries per call, the first included; 3 by default. */
  readonly maxAttempts?: number;
  /** A connection silent for this long is given up; 60 s by default. */
  readonly idleTimeoutMs?: number;
}

/** A bucket and how to talk to it. */
export interface Place {
  readonly client: S3Client;
  /** Tells apart buckets of the same name on different servers. */
  readonly name: string;
  readonly bucket: string;
  readonly maxAttempts: number;
}

/** The SDK would write to the console what reaches the caller as a failure anyway. */
const silentLogger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

export function connectS3(options: S3Connection): Place {
  const { bucket, maxAttempts = 3 } = options;
  const client = new S3Client({
    region: options.region ?? 'us-east-1',
    forcePathStyle: options.isPathStyle ?? false,
    maxAttempts,
    requestHandler: { connectionTimeout: connectTimeoutMs, socketTimeout: options.idleTimeoutMs ?? 60_000 },
    logger: silentLogger,
    ...(options.endpoint === undefined ? {} : { endpoint: options.endpoint }),
    ...(options.credentials === undefined ? {} : { credentials: options.credentials }),
  });
  return { client, name: `${options.endpoint ?? ''}/${bucket}`, bucket, maxAttempts };
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html */
export function headObject(place: Place, key: string): Promise<HeadObjectCommandOutput | undefined> {
  return orMissing(place.client.send(new HeadObjectCommand({ Bucket: place.bucket, Key: key })));
}

/** Undefined when the server says that there is no such key. A missing bucket is an error. */
export async function orMissing<Result>(answer: Promise<Result>): Promise<Result | undefined> {
  try {
    return await answer;
  } catch (error) {
    const isMissing = error instanceof S3ServiceException && (error.name === 'NoSuchKey' || error.name === 'NotFound');
    if (isMissing) return undefined;
    throw error;
  }
}

export function statusOf(error: unknown): number | undefined {
  return error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
}
