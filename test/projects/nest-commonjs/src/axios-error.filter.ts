/** Answers failed calls with 502 or 504. */
import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common';
import { AxiosError } from 'axios';
import type { Response } from 'express';

@Catch(AxiosError)
export class AxiosErrorFilter implements ExceptionFilter {
  catch(error: AxiosError, host: ArgumentsHost): void {
    const status = error.code === 'ECONNABORTED' ? 504 : 502;
    const response = host.switchToHttp().getResponse<Response>();
    response.status(status).json({ upstream: error.config?.baseURL, status: error.response?.status, code: error.code });
  }
}
