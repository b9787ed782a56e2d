/** Calls the inventory by Observables, with a token that an interceptor adds. */
import { HttpService } from '@nestjs/axios';
import { Injectable, NotFoundException, type OnModuleInit } from '@nestjs/common';
import type { AxiosError } from 'axios';
import { catchError, map, type Observable, throwError } from 'rxjs';

export interface Item {
  sku: string;
  stock: number;
}

@Injectable()
export class InventoryService implements OnModuleInit {
  constructor(private readonly http: HttpService) {}

  onModuleInit(): void {
    this.http.axiosRef.interceptors.request.use((config) => {
      config.headers.set('Authorization', 'Bearer inventory-token');
      return config;
    });
  }

  find(sku: string): Observable<Item> {
    return this.http.get<Item>(`/items/${encodeURIComponent(sku)}`, { params: { fields: 'sku,stock' } }).pipe(
      map(({ data }) => data),
      catchError((error: AxiosError) =>
        throwError(() => (error.response?.status === 404 ? new NotFoundException(`There is no item ${sku}.`) : error)),
      ),
    );
  }

  reserve(sku: string, count: number): Observable<string> {
    return this.http
      .post<{ id: string }, { count: number }>(`/items/${sku}/reservations`, { count })
      .pipe(map(({ headers, data }) => `${data.id} at ${headers.location}`));
  }

  async isAlive(): Promise<boolean> {
    const { status } = await this.http.axiosRef.head('/', { validateStatus: () => true });
    return status < 500;
  }
}
