/** Which failures of a call to Temporal are the server's. */
import { isGrpcServiceError, ServiceError, WorkflowNotFoundError } from '@temporalio/client';

/** The server refused, did not answer or knows no such workflow: nothing of ours is wrong. The client wraps some of its answers. */
export function isOfServer(error: unknown): error is Error {
  return error instanceof WorkflowNotFoundError || error instanceof ServiceError || isGrpcServiceError(error);
}
